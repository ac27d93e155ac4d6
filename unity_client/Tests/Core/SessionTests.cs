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
        public void RandomMessagesNeverThrow()
        {
            Open();
            var random = new Random(2);
            for (int n = 0; n < 20000; n++)
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
