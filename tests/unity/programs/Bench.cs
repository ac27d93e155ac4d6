// Decode and interpolate many avatars at a headset's rate. Usage: Bench.exe AVATARS HZ SECONDS (of media time).
// Prints one JSON line: processor and wall milliseconds per drawn frame, collections of the GC.
using System;
using System.Diagnostics;
using System.Globalization;
using Likeness;

public static class Bench
{
    public static int Main(string[] args)
    {
        int avatars = int.Parse(args[0]), hz = int.Parse(args[1]), seconds = int.Parse(args[2]);
        const int components = 50;
        var scales = new float[components];
        for (int i = 0; i < components; i++) scales[i] = 1e-4f;
        var buffers = new JitterBuffer[avatars];
        var frame = new byte[Wire.FrameHeadBytes + 2 * components + Wire.HandsBytes];
        frame[0] = 1; frame[1] = Wire.FlagHands; frame[6] = components;
        for (int i = 18; i < frame.Length; i++) frame[i] = (byte)(i * 37);
        for (int a = 0; a < avatars; a++) buffers[a] = new JitterBuffer();
        var pose = new FlamePose();
        Run(avatars, hz, 5, buffers, frame, scales, pose, null, 0);
        GC.Collect();
        int collections = GC.CollectionCount(0);
        var times = new double[hz * seconds];
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        Run(avatars, hz, seconds, buffers, frame, scales, pose, times, 5);
        collections = GC.CollectionCount(0) - collections;
        double cpu = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds / times.Length;
        Array.Sort(times);
        Console.WriteLine("{\"cpu\":" + N(cpu) + ",\"p50\":" + N(times[times.Length / 2]) + ",\"p99\":" + N(times[times.Length * 99 / 100])
            + ",\"collections\":" + collections + ",\"frames\":" + (long)avatars * hz * seconds + "}");
        return 0;
    }

    private static void Run(int avatars, int hz, int seconds, JitterBuffer[] buffers, byte[] frame, float[] scales,
        FlamePose pose, double[] times, int from)
    {
        long next = (long)from * 60;
        for (int n = 0; n < hz * seconds; n++)
        {
            double now = from + n / (double)hz;
            long start = Stopwatch.GetTimestamp();
            for (; next < now * 60 + 6; next++)
            {
                for (int a = 0; a < avatars; a++)
                {
                    frame[2] = (byte)a;
                    uint sequence = (uint)next; long sample = next * 800;
                    frame[8] = (byte)sequence; frame[9] = (byte)(sequence >> 8); frame[10] = (byte)(sequence >> 16);
                    for (int k = 0; k < 6; k++) frame[12 + k] = (byte)(sample >> (8 * k));
                    int size;
                    if (!buffers[a].TryAdd(frame, 0, frame.Length, scales, out size)) throw new Exception("refused");
                }
            }
            for (int a = 0; a < avatars; a++) buffers[a].TryGet(now * 48000, pose);
            if (times != null) times[n] = (Stopwatch.GetTimestamp() - start) * 1000.0 / Stopwatch.Frequency;
        }
    }

    private static string N(double v) { return v.ToString("0.####", CultureInfo.InvariantCulture); }
}
