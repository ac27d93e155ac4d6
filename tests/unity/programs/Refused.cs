// What a person reads when a server cannot be reached. Usage: Refused.exe URL. Prints the sentence.
using System;
using System.Diagnostics;
using System.Threading;
using Likeness;

public static class Refused
{
    public static int Main(string[] args)
    {
        var session = new LikenessSession();
        session.Connect(new Uri(args[0]), "einstein");
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed.TotalSeconds < 10 && session.LastProblem == null)
        {
            session.Poll(watch.Elapsed.TotalSeconds);
            Thread.Sleep(5);
        }
        Console.WriteLine(session.LastProblem);
        return 0;
    }
}
