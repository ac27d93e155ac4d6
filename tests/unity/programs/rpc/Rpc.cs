// A C# client in a real server's room over gRPC, with the package's transport, messages and calls. Usage:
// Rpc.dll http://127.0.0.1:GRPCPORT SECONDS [CHARACTER]. Prints one JSON line.
using System;
using System.Diagnostics;
using System.Globalization;
using System.Threading;
using Grpc.Core;
using Likeness;
using Likeness.Rpc;

public static class Rpc
{
    /// <summary>
    /// Lets signatures pass: the runtime of this test may have no SHA-512. They are checked on Mono; here it is
    /// about seals, links and digests that arrive whole.
    /// </summary>
    private sealed class Signed : IEd25519 { public bool Verify(byte[] key, byte[] message, byte[] signature) { return signature.Length == 64; } }

    public static int Main(string[] args)
    {
        var server = new Uri(args[0]);
        double seconds = double.Parse(args[1], CultureInfo.InvariantCulture);
        int characters = 0;
        using (var channel = new HttpChannel(server))
        {
            try { characters = new LikenessService(channel.Invoker).ListCharacters(new CallOptions()).ResponseAsync.Result.Characters.Count; }
            catch (AggregateException) { }   // no server: what the session says of it is printed below
        }
        var session = new LikenessSession(() => new GrpcTransport(() => new HttpChannel(server), server.Authority), 80, new Signed());
        string mark = "", ended = "", problem = "";
        int started = 0, finished = 0, seals = 0, people = 0;
        bool seat = false;
        session.AvatarJoined += a => { mark = a.Tag.Mark; seat = a.Header.Seat != null; };
        session.MarkChanged += a => mark = a.Tag.Mark;
        session.Sealed += (a, s) => seals++;
        session.RoomChanged += r => people = r.People.Count;
        session.Speech += s => { if (s.Phase == SpeechPhase.Started) started++; if (s.Phase == SpeechPhase.Finished) finished++; };
        session.StateChanged += (state, why) => { if (state == SessionState.Ended) ended = why; if (state == SessionState.Waiting) problem = why; };
        var watch = Stopwatch.StartNew();
        session.Connect(server, args.Length > 2 ? args[2] : "plain", "study", "", "", "C sharp");
        bool said = false, talking = false;
        long received = 0, lost = 0, sample = 0;
        double loudest = 0, nextMic = 0;
        var card = new float[480];
        var tone = new short[960];
        for (double now; (now = watch.Elapsed.TotalSeconds) < seconds && session.State != SessionState.Ended;)
        {
            session.Poll(now);
            AvatarStream own = null;
            if (session.State == SessionState.Open)
            {
                session.Avatars.TryGetValue(session.Welcome.Avatar, out own);
                if (!said) { said = true; session.Say("Good morning, over another wire.", 3); session.SetEmotion("joy", 0.4f); }
                if (!talking && now > seconds * 0.6) { talking = true; nextMic = now; session.OpenMicrophone(true, true); }
                for (; talking && now >= nextMic; nextMic += 0.02)
                {
                    for (int i = 0; i < tone.Length; i++) tone[i] = (short)(9000 * (2 * ((sample + i) / 400.0 % 1) - 1));
                    session.SendVoice(sample, tone, 0, tone.Length);
                    sample += tone.Length;
                }
            }
            if (own != null)
            {
                received = own.Frames.Received;
                lost = own.Frames.Lost;
                own.Voice.Read(card, 0, card.Length);
                foreach (float v in card) loudest = Math.Max(loudest, Math.Abs(v));
            }
            Thread.Sleep(10);
        }
        long sealedFrames = 0;
        string sealProblem = "";
        foreach (AvatarStream a in session.Avatars.Values) { sealedFrames += a.SealedFrames; sealProblem += a.SealProblem; }
        double roundTrip = session.RoundTrip * 1000;
        session.Dispose();
        Thread.Sleep(800);   // the goodbye leaves in the background
        Console.WriteLine("{\"characters\":" + characters + ",\"received\":" + received + ",\"lost\":" + lost + ",\"malformed\":" + session.Malformed
            + ",\"loudest\":" + N(loudest) + ",\"speechStarted\":" + started + ",\"speechFinished\":" + finished + ",\"seals\":" + seals
            + ",\"sealed\":" + sealedFrames + ",\"sealProblem\":" + Json.Quote(sealProblem) + ",\"people\":" + people
            + ",\"seat\":" + (seat ? "true" : "false") + ",\"roundTripMs\":" + N(roundTrip) + ",\"mark\":" + Json.Quote(mark)
            + ",\"problem\":" + Json.Quote(problem) + ",\"ended\":" + Json.Quote(ended) + "}");
        return 0;
    }

    private static string N(double v) { return v.ToString("0.####", CultureInfo.InvariantCulture); }
}
