using System;
using NUnit.Framework;

namespace Likeness.Tests
{
    [TestFixture]
    public sealed class ClockAndVoiceTests
    {
        [Test]
        public void TheClockRunsOnBetweenReports()
        {
            var clock = new MediaClock();
            clock.Report(10, 4800);
            Assert.AreEqual(4800 + 24000, clock.Sample(10.5), 1e-6);
        }

        [Test]
        public void NoisyReportsAreSmoothedAndNeverRunBackwards()
        {
            var clock = new MediaClock();
            var random = new Random(3);
            double last = double.NegativeInfinity, worst = 0;
            for (int i = 0; i < 3000; i++)
            {
                double t = i / 50.0;
                clock.Report(t, t * 48000 + random.Next(-480, 480));
                for (int k = 0; k < 4; k++)
                {
                    double now = t + k * 0.005, s = clock.Sample(now);
                    Assert.GreaterOrEqual(s, last);
                    last = s;
                    if (i > 200) worst = Math.Max(worst, Math.Abs(s - now * 48000));
                }
            }
            Assert.Less(worst, 0.020 * 48000);
        }

        [Test]
        public void AJumpIsTakenAtOnce()
        {
            var clock = new MediaClock();
            clock.Report(0, 0);
            clock.Report(1, 480000);
            Assert.AreEqual(480000, clock.Sample(1), 1);
        }

        [Test]
        public void HeardToDrawnStaysWithin20MsThroughJitterAndDrift()
        {
            // The server's clock runs 200 ppm fast; blocks of 20 ms arrive up to 40 ms late; the sound card
            // takes 512 samples at a time; the display draws at 72 Hz.
            var voice = new VoiceBuffer(80);
            var clock = new MediaClock();
            var random = new Random(11);
            var block = new byte[1920];
            var card = new float[512];
            long sent = 0;
            double nextArrival = 0, worst = 0;
            double nextDraw = 0, heardAt = -1;
            long heardFirst = -1;
            for (double t = 0; t < 60; t += 512 / 48000.0)
            {
                while (nextArrival <= t)
                {
                    voice.Write(sent, block, 0, block.Length);
                    sent += 960;
                    nextArrival = sent / 48000.0 / 1.0002 + random.NextDouble() * 0.04;
                }
                long first = voice.Read(card, 0, card.Length);
                if (first >= 0) { clock.Report(t, first); heardAt = t; heardFirst = first; }
                for (; nextDraw < t; nextDraw += 1 / 72.0)
                {
                    if (heardFirst < 0 || t < 2) continue;
                    double heard = heardFirst + (nextDraw - heardAt) * 48000;
                    worst = Math.Max(worst, Math.Abs(clock.Sample(nextDraw) - heard) / 48.0);
                }
            }
            Assert.Greater(heardFirst, 48000 * 50);
            Assert.LessOrEqual(worst, 20.0, "ms");
        }

        [Test]
        public void HeardToDrawnStaysWithin20MsThroughStallsOfTheNetwork()
        {
            // Every few seconds nothing comes for 50 to 600 ms, then all at once: the voice runs dry, starts again
            // somewhere else, leaps to catch up. The face follows within the picture.
            var stream = new AvatarStream(new StreamHeader(), 80);
            var random = new Random(17);
            var block = new byte[1920];
            var card = new float[480];
            long sent = 0;
            double worst = 0, stallUntil = 0, nextStall = 2, nextDraw = 0, heardAt = -1;
            long heardFirst = -1;
            for (double t = 0; t < 120; t += 0.01)
            {
                if (t > nextStall) { stallUntil = t + 0.05 + 0.55 * random.NextDouble(); nextStall = stallUntil + 1 + 3 * random.NextDouble(); }
                for (; t >= stallUntil && sent / 48000.0 <= t; sent += 960) stream.Voice.Write(sent, block, 0, block.Length);
                long first = stream.Voice.Read(card, 0, card.Length);
                if (first >= 0) { stream.ReportHeard(t, first); heardAt = t; heardFirst = first; }
                for (; nextDraw < t + 0.01; nextDraw += 1 / 72.0)
                {
                    if (heardFirst < 0 || nextDraw - heardAt > 0.01 || nextDraw < heardAt) continue;
                    double heard = heardFirst + (nextDraw - heardAt) * 48000;
                    worst = Math.Max(worst, Math.Abs(stream.Clock.Sample(nextDraw) - heard) / 48.0);
                }
            }
            Assert.Greater(stream.Voice.Breaks, 20, "the simulation has stalls");
            Assert.LessOrEqual(worst, 20.0, "ms");
        }

        [Test]
        public void ASteppedClockIsTiedToASmoothOne()
        {
            // dspTime moves once in 1024 samples, runs 200 ppm fast, and is read at 72 Hz; then the device changes.
            var tie = new SteppedClock();
            const double buffer = 1024 / 48000.0;
            double worst = 0;
            for (double t = 0; t < 300; t += 1 / 72.0)
            {
                double device = t * 1.0002 + (t > 150 ? 40 : 5);
                tie.Observe(Math.Floor(device / buffer) * buffer, t);
                if (t > 5 && (t < 150 || t > 155)) worst = Math.Max(worst, Math.Abs(tie.ToSmooth(device) - t));
            }
            Assert.LessOrEqual(worst, 0.004, "s");
        }

        [Test]
        public void VoiceComesOutAsItWentInAfterItsDelay()
        {
            var voice = new VoiceBuffer(40);
            var block = new byte[1920];
            for (int i = 0; i < 960; i++) { block[2 * i] = (byte)(i & 0xFF); block[2 * i + 1] = (byte)(i >> 8); }
            var into = new float[960];
            voice.Write(0, block, 0, block.Length);
            Assert.AreEqual(-1, voice.Read(into, 0, 960), "it plays only once its delay is gathered");
            voice.Write(960, block, 0, block.Length);
            Assert.AreEqual(0, voice.Read(into, 0, 960));
            Assert.AreEqual(959 / 32768f, into[959], 1e-6);
            Assert.AreEqual(960, voice.Read(into, 0, 960));
            Assert.AreEqual(-1, Drain(voice, into));
            Assert.GreaterOrEqual(voice.Underruns, 1);
        }

        [Test]
        public void CutIsSilenceAtOnce()
        {
            var voice = new VoiceBuffer(40);
            voice.Write(0, new byte[9600], 0, 9600);
            voice.Cut();
            Assert.AreEqual(-1, voice.Read(new float[64], 0, 64));
        }

        private static long Drain(VoiceBuffer voice, float[] into)
        {
            voice.Read(into, 0, into.Length);
            return voice.Read(into, 0, into.Length);
        }
    }
}
