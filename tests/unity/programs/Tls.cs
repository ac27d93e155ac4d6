// What becomes of a connection to a server with a certificate of its own. Usage: Tls.exe URL [FINGERPRINT].
// Prints "open", or the sentence that a person reads.
using System;
using System.Diagnostics;
using System.Threading;
using Likeness;

public static class Tls
{
    public static int Main(string[] args)
    {
        string pin = args.Length > 1 ? args[1] : "";
        var session = new LikenessSession(() => new WebSocketTransport(pin));
        session.Connect(new Uri(args[0]), "plain");
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed.TotalSeconds < 60 && session.LastProblem == null && session.State != SessionState.Open)
        {
            session.Poll(watch.Elapsed.TotalSeconds);
            Thread.Sleep(5);
        }
        Console.WriteLine(session.State == SessionState.Open ? "open" : session.LastProblem);
        session.Dispose();
        return 0;
    }
}
