// Decode and interpolate many avatars at a headset's rate. Usage: Bench.exe AVATARS HZ SECONDS (of media time).
// Prints one JSON line: processor and wall milliseconds per drawn frame, bytes allocated and collections of the GC,
// and what checking seals costs.
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
        var digest = new FrameDigest();
        digest.Of(frame, 0, frame.Length);
        var times = new double[hz * seconds];
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        Run(avatars, hz, seconds, buffers, frame, scales, pose, times, 5);
        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        collections = GC.CollectionCount(0) - collections;
        double cpu = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds / times.Length;
        before = Process.GetCurrentProcess().TotalProcessorTime;
        long digestBytes = GC.GetAllocatedBytesForCurrentThread();
        const int digests = 100000;
        for (int i = 0; i < digests; i++) { frame[20] = (byte)i; digest.Of(frame, 0, frame.Length); }
        digestBytes = GC.GetAllocatedBytesForCurrentThread() - digestBytes;
        double digestUs = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds * 1000 / digests;
        Array.Sort(times);
        Console.WriteLine("{\"cpu\":" + N(cpu) + ",\"p50\":" + N(times[times.Length / 2]) + ",\"p99\":" + N(times[times.Length * 99 / 100])
            + ",\"bytes\":" + bytes + ",\"collections\":" + collections + ",\"digestUs\":" + N(digestUs) + ",\"digestBytes\":" + digestBytes
            + ",\"verifyMs\":" + N(VerifyMs()) + ",\"frames\":" + (long)avatars * hz * seconds + "}");
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

    /// <summary>Processor milliseconds of one Ed25519 signature (the third example of RFC 8032, 7.1).</summary>
    private static double VerifyMs()
    {
        byte[] key = Hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
        byte[] signature = Hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
        byte[] message = Hex("af82");
        var ed25519 = new Ed25519();
        for (int i = 0; i < 30; i++) if (!ed25519.Verify(key, message, signature)) throw new Exception("the signature does not hold");
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        for (int i = 0; i < 200; i++) ed25519.Verify(key, message, signature);
        return (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds / 200;
    }

    private static byte[] Hex(string text)
    {
        var bytes = new byte[text.Length / 2];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = Convert.ToByte(text.Substring(2 * i, 2), 16);
        return bytes;
    }

    private static string N(double v) { return v.ToString("0.####", CultureInfo.InvariantCulture); }
}
