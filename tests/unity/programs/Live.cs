// A C# client in a real server's room, over the real WebSocket: hello, text, microphone, a cut, resume, bye.
// Usage: Live.exe http://127.0.0.1:PORT SECONDS [steady]. It goes on when each step is done, and gives up after
// SECONDS. steady: it stays for SECONDS, without a cut, and says something every eight. Prints one JSON line.
using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Likeness;

public static class Live
{
    /// <summary>The real transport, which can be cut as a network would cut it.</summary>
    private sealed class Cuttable : ITransport
    {
        private readonly WebSocketTransport _inner = new WebSocketTransport();
        private volatile bool _cut;
        public bool IsOpen { get { return !_cut && _inner.IsOpen; } }
        public string Failure { get { return _cut ? "cut by the test" : _inner.Failure; } }
        public Task OpenAsync(Uri address, CancellationToken cancel) { return _inner.OpenAsync(address, cancel); }
        public void Send(string text) { if (!_cut) _inner.Send(text); }
        public void Send(byte[] data, int count) { if (!_cut) _inner.Send(data, count); }
        public bool TryReceive(out Incoming m) { m = default(Incoming); return !_cut && _inner.TryReceive(out m); }
        public void Recycle(byte[] buffer) { _inner.Recycle(buffer); }
        public void Dispose() { _inner.Dispose(); }
        public void Cut() { _cut = true; _inner.Dispose(); }
    }

    public static int Main(string[] args)
    {
        var server = new Uri(args[0]);
        double seconds = double.Parse(args[1], CultureInfo.InvariantCulture);
        bool steady = args.Length > 2 && args[2] == "steady";
        Cuttable line = null;
        var session = new LikenessSession(() => line = new Cuttable(), 80, new Ed25519());
        var watch = Stopwatch.StartNew();
        Func<double> now = () => watch.Elapsed.TotalSeconds;
        string mark = "", problem = "";
        int speechStarted = 0, speechFinished = 0, seals = 0, resumes = 0, drawn = 0;
        double resumedAfter = -1, cutAt = -1, peakJaw = 0, loudest = 0, worst = 0;
        session.MarkChanged += a => mark = a.Tag.Mark;
        session.AvatarJoined += a => mark = a.Tag.Mark;
        session.Sealed += (a, s) => seals++;
        session.Noticed += n => problem = n.Text;
        session.Speech += s =>
        {
            if (s.Phase == SpeechPhase.Started) speechStarted++;
            if (s.Phase == SpeechPhase.Finished) speechFinished++;
            if (s.Phase == SpeechPhase.Failed) problem = s.Error;
        };
        session.StateChanged += (state, why) =>
        {
            if (state == SessionState.Open && session.Welcome.Resumed) { resumes++; resumedAfter = now() - cutAt; }
            if (state == SessionState.Waiting) problem = why;
        };
        session.Connect(server, "plain");
        var pose = new FlamePose();
        var card = new float[480];
        var tie = new SteppedClock();
        double nextCard = 0, heardAt = 0, nextSay = 8, openAt = 0, talkingSince = 0;
        long heardFirst = -1, micSample = 0, lostBefore = 0, received = 0, underruns = 0;
        bool said = false, cut = false, talking = false;
        string firstSession = null;
        var tone = new short[960];
        double nextMic = 0;
        while (now() < seconds)
        {
            session.Poll(now());
            AvatarStream own = null;
            if (session.State == SessionState.Open)
            {
                if (firstSession == null) { firstSession = session.Welcome.Session; openAt = now(); }
                session.Avatars.TryGetValue(session.Welcome.Avatar, out own);
                if (!said) { said = true; session.Say("Good morning. I am a client written in C sharp.", 7); }
                if (steady && now() > nextSay) { nextSay = now() + 8; session.Say("One can say the same thing twice, and hear it twice."); }
                if (!steady && !cut && speechFinished > 0 && seals > 50 && received > 240) { cut = true; lostBefore = own != null ? own.Frames.Lost : 0; cutAt = now(); line.Cut(); }
                if (talking && mark.EndsWith("voice") && now() > talkingSince + 2) break;
                if (!steady && !talking && resumes > 0) { talking = true; talkingSince = now(); nextMic = now(); session.OpenMicrophone(true, true); }
                while (talking && session.State == SessionState.Open && now() >= nextMic)
                {
                    // A buzz of a voice's pitch and a slow rise and fall: enough for the server to hear somebody.
                    for (int i = 0; i < tone.Length; i++)
                    {
                        double t = (micSample + i) / 48000.0;
                        double saw = 2 * (t * 120 % 1) - 1;
                        tone[i] = (short)(9000 * saw * (0.5 + 0.5 * Math.Sin(2 * Math.PI * 3 * t)));
                    }
                    session.SendVoice(micSample, tone, 0, tone.Length);
                    micSample += tone.Length;
                    nextMic += 0.02;
                }
            }
            if (own != null)
            {
                // The sound card takes 10 ms at a time.
                if (nextCard < now() - 0.5) nextCard = now();
                while (nextCard <= now())
                {
                    long first = own.Voice.Read(card, 0, card.Length);
                    // Its clock has an origin of its own and moves a block at a time; the session's is smooth.
                    tie.Observe(nextCard + 100, now());
                    if (first >= 0) { own.ReportHeard(tie.ToSmooth(nextCard + 100), first); heardAt = nextCard; heardFirst = first; }
                    foreach (float v in card) loudest = Math.Max(loudest, Math.Abs(v));
                    nextCard += 0.01;
                }
                double at = now();
                if (own.TryGetFace(at, pose))
                {
                    drawn++;
                    peakJaw = Math.Max(peakJaw, pose.Jaw.Length);
                    if (heardFirst >= 0 && at - heardAt < 0.05 && own.Frames.NewestSample > heardFirst)
                        worst = Math.Max(worst, Math.Abs(own.Clock.Sample(at) - (heardFirst + (at - heardAt) * 48000)) / 48);
                }
                received = own.Frames.Received;
                underruns = own.Voice.Underruns;
                if (!cut) lostBefore = own.Frames.Lost;
            }
            Thread.Sleep(5);
        }
        bool same = session.Welcome != null && session.Welcome.Session == firstSession;
        long sealedFrames = 0;
        string sealProblem = "";
        foreach (AvatarStream a in session.Avatars.Values) { sealedFrames += a.SealedFrames; sealProblem += a.SealProblem; }
        double roundTrip = session.RoundTrip * 1000;
        session.Close("done");
        Console.WriteLine("{\"received\":" + received + ",\"lost\":" + lostBefore + ",\"drawn\":" + drawn
            + ",\"peakJaw\":" + N(peakJaw) + ",\"loudest\":" + N(loudest) + ",\"seals\":" + seals
            + ",\"speechStarted\":" + speechStarted + ",\"speechFinished\":" + speechFinished + ",\"resumes\":" + resumes
            + ",\"resumedAfter\":" + N(resumedAfter) + ",\"sameSession\":" + (same ? "true" : "false")
            + ",\"malformed\":" + session.Malformed + ",\"sealed\":" + sealedFrames + ",\"sealProblem\":" + Json.Quote(sealProblem) + ",\"roundTripMs\":" + N(roundTrip)
            + ",\"openAfter\":" + N(openAt) + ",\"underruns\":" + underruns + ",\"worstOffsetMs\":" + N(worst) + ",\"session\":" + Json.Quote(firstSession)
            + ",\"mark\":" + Json.Quote(mark) + ",\"problem\":" + Json.Quote(problem) + "}");
        Thread.Sleep(700);   // the goodbye leaves in the background
        return 0;
    }

    private static string N(double v) { return v.ToString("0.####", CultureInfo.InvariantCulture); }
}
