using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Likeness.Tests
{
    [TestFixture]
    public sealed class SessionTests
    {
        /// <summary>A line in memory, for states that a real server cannot be made to show on demand.</summary>
        private sealed class Line : ITransport
        {
            public readonly List<string> Sent = new List<string>();
            public readonly List<byte[]> SentBytes = new List<byte[]>();
            public readonly Queue<Incoming> Coming = new Queue<Incoming>();
            public bool Refuse;
            public bool IsOpen { get { return Failure == null; } }
            public string Failure { get; set; }
            public Task OpenAsync(Uri address, CancellationToken cancel)
            {
                var done = new TaskCompletionSource<bool>();
                if (Refuse) { Failure = "no server"; done.SetException(new System.IO.IOException(Failure)); }
                else done.SetResult(true);
                return done.Task;
            }
            public void Send(string text) { Sent.Add(text); }
            public void Send(byte[] data, int count) { var b = new byte[count]; Array.Copy(data, b, count); SentBytes.Add(b); }
            public bool TryReceive(out Incoming m) { m = default(Incoming); if (Coming.Count == 0) return false; m = Coming.Dequeue(); return true; }
            public void Recycle(byte[] buffer) { }
            public void Dispose() { }
            public void Text(string text) { Coming.Enqueue(new Incoming { Text = text }); }
            public void Bytes(byte[] data) { Coming.Enqueue(new Incoming { Data = data, Count = data.Length }); }
        }

        private const string Header = "{\"avatar\":1,\"name\":\"Albert Einstein\",\"components\":[\"a\"],\"scales\":[0.001],\"avatarUrl\":\"/x.glb\",\"tag\":{\"generated\":true,\"mark\":\"GEN - Albert Einstein - driven by: text\"}}";
        private const string WelcomeText = "{\"welcome\":{\"session\":\"s\",\"room\":\"r\",\"resume\":\"secret\",\"avatar\":1,\"resumeSeconds\":30,\"headers\":[" + Header + "]}}";

        private readonly List<Line> _lines = new List<Line>();
        private LikenessSession _session;
        private double _now;
        private bool _refuse;

        [SetUp]
        public void Connect()
        {
            _lines.Clear(); _now = 0; _refuse = false;
            _session = new LikenessSession(() => { var l = new Line { Refuse = _refuse }; _lines.Add(l); return l; });
        }

        private Line Last { get { return _lines[_lines.Count - 1]; } }

        private void Run(double seconds)
        {
            for (double end = _now + seconds; _now < end; _now += 1 / 72.0) _session.Poll(_now);
        }

        private void Open()
        {
            _session.Connect(new Uri("http://localhost:8080"), "einstein");
            Run(0.05);
            Last.Text(WelcomeText);
            Run(0.05);
        }

        [Test]
        public void HelloThenWelcomeOpens()
        {
            AvatarStream joined = null;
            _session.AvatarJoined += a => joined = a;
            Open();
            Assert.AreEqual(SessionState.Open, _session.State);
            StringAssert.Contains("einstein", Last.Sent[0]);
            Assert.AreEqual("GEN - Albert Einstein - driven by: text", joined.Tag.Mark);
        }

        [Test]
        public void FramesReachTheirAvatarAndOthersAreDropped()
        {
            Open();
            Last.Bytes(JitterBufferTests.Frame(0, 1f, 0));
            Last.Bytes(JitterBufferTests.Frame(0, 1f, 0, 0, 9));
            Last.Bytes(new byte[] { 1, 2, 3 });
            Run(0.05);
            Assert.AreEqual(1, _session.Avatars[1].Frames.Received);
            Assert.AreEqual(1, _session.Malformed);
        }

        [Test]
        public void ACutLineIsResumedWithTheSecret()
        {
            Open();
            Last.Failure = "the connection broke";
            Run(1.0);
            Assert.AreEqual(2, _lines.Count);
            StringAssert.Contains("secret", Last.Sent[0]);
            Last.Text(WelcomeText.Replace("\"session\"", "\"resumed\":true,\"session\""));
            Run(0.1);
            Assert.AreEqual(SessionState.Open, _session.State);
        }

        [Test]
        public void SilenceForThreeSecondsIsADeadLine()
        {
            Open();
            Run(LikenessSession.DeadSeconds + 0.2);
            Assert.Greater(_lines.Count, 1);
            StringAssert.Contains("3 s", _session.LastProblem);
        }

        [Test]
        public void AServerThatComesLaterIsFound()
        {
            _refuse = true;
            _session.Connect(new Uri("http://localhost:8080"), "einstein");
            Run(8);
            Assert.Greater(_lines.Count, 4);
            Assert.Less(_lines.Count, 12);
            _refuse = false;
            Run(6);
            Last.Text(WelcomeText);
            Run(0.1);
            Assert.AreEqual(SessionState.Open, _session.State);
        }

        [Test]
        public void StopGoesOutFiveTimesAndOnce()
        {
            Open();
            _session.Stop();
            Run(0.2);
            Assert.AreEqual(5, Last.SentBytes.FindAll(b => b[0] == Wire.KindStop).Count);
            Assert.AreEqual(1, Last.Sent.FindAll(t => t.StartsWith("{\"stop\"")).Count);
        }

        [Test]
        public void AFatalNoticeEndsItInWords()
        {
            Open();
            Last.Text("{\"notice\":{\"level\":\"ERROR\",\"code\":\"provenance\",\"text\":\"The ledger cannot be written.\",\"fatal\":true}}");
            Run(5);
            Assert.AreEqual(SessionState.Ended, _session.State);
            Assert.AreEqual("The ledger cannot be written.", _session.LastProblem);
            Assert.AreEqual(1, _lines.Count);
        }

        [Test]
        public void PauseAndResumeKeepTheSession()
        {
            Open();
            _session.Suspend();
            Run(5);
            Assert.AreEqual(1, _lines.Count);
            _session.Resume();
            Run(0.1);
            StringAssert.Contains("secret", Last.Sent[0]);
        }

        [Test]
        public void AResumeTokenOfBeforeAReloadGoesOnWithTheSession()
        {
            Open();
            string token = _session.ResumeToken;
            _session.Detach();
            Assert.IsFalse(Last.Sent.Exists(t => t.Contains("bye")), "the server must wait, not close");
            var after = new LikenessSession(() => { var l = new Line(); _lines.Add(l); return l; });
            after.Connect(new Uri("http://localhost:8080"), "einstein", "", "", "", "", token);
            after.Poll(_now);
            StringAssert.Contains("\"resume\":\"secret\"", Last.Sent[0]);
            Last.Text(WelcomeText.Replace("\"session\"", "\"resumed\":true,\"session\""));
            after.Poll(_now);
            after.Poll(_now);
            Assert.AreEqual(SessionState.Open, after.State);
            Assert.AreEqual(1, after.Avatars.Count);
        }

        [Test]
        public void ASessionThatIsOverBeginsAnew()
        {
            var left = new List<string>();
            _session.AvatarLeft += (a, why) => left.Add(why);
            Open();
            Last.Failure = "the connection broke";
            Run(1.0);
            StringAssert.Contains("secret", Last.Sent[0]);
            Last.Text("{\"notice\":{\"level\":\"ERROR\",\"code\":\"denied\",\"text\":\"that session is over\",\"fatal\":true}}");
            Run(0.5);
            StringAssert.Contains("einstein", Last.Sent[0], "a fresh hello");
            Assert.AreEqual(1, left.Count);
            Last.Text(WelcomeText);
            Run(0.1);
            Assert.AreEqual(SessionState.Open, _session.State);
            Assert.AreEqual(1, _session.Avatars.Count);
        }

        [Test]
        public void ARefusedTokenEndsItAndIsNotTriedAgain()
        {
            _session.Connect(new Uri("http://localhost:8080"), "einstein", "", "", "forged");
            Run(0.05);
            Last.Text("{\"notice\":{\"level\":\"ERROR\",\"code\":\"denied\",\"text\":\"The token is not valid.\",\"fatal\":true}}");
            Run(20);
            Assert.AreEqual(SessionState.Ended, _session.State);
            Assert.AreEqual(1, _lines.Count);
            Assert.AreEqual("The token is not valid.", _session.LastProblem);
        }

        [Test]
        public void ATransportThatCannotBeMadeIsAProblemInWords()
        {
            _session = new LikenessSession(() => { throw new DllNotFoundException("native part missing"); });
            _session.Connect(new Uri("http://localhost:8080"), "einstein");
            Run(2);
            Assert.AreEqual(SessionState.Waiting, _session.State);
            StringAssert.Contains("native part missing", _session.LastProblem);
        }

        [Test]
        public void TwoAvatarsHaveEachTheirFramesVoicesAndClocks()
        {
            Open();
            Last.Text("{\"header\":" + Header.Replace("\"avatar\":1", "\"avatar\":2").Replace("Einstein", "Curie") + "}");
            var both = new byte[2 * (Wire.FrameHeadBytes + 2)];
            Array.Copy(JitterBufferTests.Frame(4800, 1f, 0), both, both.Length / 2);
            Array.Copy(JitterBufferTests.Frame(9600, 2f, 0, 0, 2), 0, both, both.Length / 2, both.Length / 2);
            Last.Bytes(both);
            Run(0.05);
            var pose = new FlamePose();
            Assert.IsTrue(_session.Avatars[1].TryGetFace(_now, pose));
            Assert.AreEqual(1f, pose.Expression[0], 1e-3);
            Assert.IsTrue(_session.Avatars[2].TryGetFace(_now, pose));
            Assert.AreEqual(2f, pose.Expression[0], 1e-3);
            Last.Text("{\"left\":{\"avatar\":1,\"reason\":\"bye\"}}");
            Run(0.05);
            Assert.AreEqual(1, _session.Avatars.Count);
        }

        [Test]
        public void ACharacterChangedLiveIsAnotherStream()
        {
            var seen = new List<string>();
            _session.AvatarJoined += a => seen.Add("+" + a.Header.AvatarUrl);
            _session.AvatarLeft += (a, why) => seen.Add("-" + a.Header.AvatarUrl);
            Open();
            Last.Text("{\"header\":" + Header.Replace("/x.glb", "/curie.glb") + "}");
            Run(0.05);
            CollectionAssert.AreEqual(new[] { "+/x.glb", "-/x.glb", "+/curie.glb" }, seen);
            Last.Text("{\"header\":" + Header.Replace("/x.glb", "/curie.glb") + "}");
            Run(0.05);
            Assert.AreEqual(3, seen.Count, "the same header again changes nothing");
        }

        [Test]
        public void ASeatThatChangesIsTold()
        {
            var seats = new List<float>();
            _session.SeatChanged += a => seats.Add(a.Header.Seat.Position.X);
            Open();
            string seated = Header.Replace("\"avatar\":1", "\"avatar\":1,\"seat\":{\"x\":1.5}");
            Last.Text("{\"header\":" + seated + "}");
            Last.Text("{\"header\":" + seated + "}");
            Last.Text("{\"header\":" + seated.Replace("1.5", "-1.5") + "}");
            Run(0.05);
            CollectionAssert.AreEqual(new[] { 1.5f, -1.5f }, seats);
        }

        [Test]
        public void APingIsAnsweredAtOnce()
        {
            Open();
            var ping = new byte[ClientPackets.PingBytes];
            ClientPackets.Ping(ping, 77, 123.5);
            Last.Bytes(ping);
            Run(0.02);
            byte[] pong = Last.SentBytes.Find(b => b[0] == Wire.KindPong);
            uint nonce; double client, server;
            Assert.IsTrue(ClientPackets.TryPong(pong, pong.Length, out nonce, out client, out server));
            Assert.AreEqual(77, nonce);
            Assert.AreEqual(123.5, client);
            Assert.AreEqual(0, _session.Malformed);
        }

        [Test]
        public void TheRoomsStateAndBatchesOfSealsAreTaken()
        {
            RoomState room = null;
            int seals = 0;
            _session.RoomChanged += r => room = r;
            _session.Sealed += (a, s) => seals++;
            Open();
            Last.Text("{\"state\":{\"code\":\"owl\",\"people\":[{\"avatar\":1,\"self\":true}]}}");
            Last.Text("{\"seals\":{\"seals\":[{\"avatar\":1},{\"avatar\":1,\"chunk\":1},{\"avatar\":9}]}}");
            Run(0.05);
            Assert.AreEqual("owl", room.Code);
            Assert.AreSame(room, _session.Room);
            Assert.AreEqual(2, seals);
        }

        [Test]
        public void AStreamThatWasChangedOnItsWayIsToldOnce()
        {
            _session = new LikenessSession(() => { var l = new Line(); _lines.Add(l); return l; }, 80, new Ed25519());
            var told = new List<string>();
            _session.SealBroken += (a, why) => told.Add(why);
            Open();   // its header has no certificate that holds
            Run(1);
            _session.Dispose();
            Assert.AreEqual(1, told.Count);
        }

        [Test]
        public void ATruncatedGoldenDatagramIsNeverTaken()
        {
            Open();
            byte[] whole = JitterBufferTests.Frame(0, 1f, 0);
            for (int n = 1; n < whole.Length; n++)
            {
                var cut = new byte[n];
                Array.Copy(whole, cut, n);
                Last.Bytes(cut);
            }
            Run(0.1);
            Assert.AreEqual(0, _session.Avatars[1].Frames.Received);
            Assert.AreEqual(whole.Length - 1, _session.Malformed);
        }

        [Test]
        public void RandomMessagesNeverThrow()
        {
            Open();
            var random = new Random(2);
            for (int n = 0; n < 120000; n++)
            {
                var data = new byte[random.Next(1, 200)];
                random.NextBytes(data);
                if (n % 2 == 0) data[0] = (byte)(n / 2 % 11);
                Last.Bytes(data);
                if (n % 50 == 0) { Last.Text(System.Text.Encoding.ASCII.GetString(data)); Last.Text("{\"header\":{\"avatar\":" + random.Next() + "}}"); }
                _session.Poll(_now);
            }
            Assert.AreEqual(SessionState.Open, _session.State);
        }
    }
}
