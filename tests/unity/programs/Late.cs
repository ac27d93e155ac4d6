// What a person reads while a server is away, and when it comes. Usage: Late.exe URL CHARACTER TOKEN.
// Prints each new state in a line of its own, until the session is open or has ended.
using System;
using System.Diagnostics;
using System.Threading;
using Likeness;

public static class Late
{
    public static int Main(string[] args)
    {
        var session = new LikenessSession();
        string last = "";
        session.StateChanged += (state, why) =>
        {
            string line = state + ": " + why;
            if (line != last && state != SessionState.Connecting) Console.WriteLine(line);
            last = line;
        };
        var watch = Stopwatch.StartNew();
        session.Connect(new Uri(args[0]), args[1], "", "", args.Length > 2 ? args[2] : "");
        while (watch.Elapsed.TotalSeconds < 150 && session.State != SessionState.Open && session.State != SessionState.Ended)
        {
            session.Poll(watch.Elapsed.TotalSeconds);
            Thread.Sleep(10);
        }
        session.Dispose();
        return 0;
    }
}
