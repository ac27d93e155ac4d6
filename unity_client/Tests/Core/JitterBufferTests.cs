using System;
using NUnit.Framework;

namespace Likeness.Tests
{
    [TestFixture]
    public sealed class JitterBufferTests
    {
        private static readonly float[] Scales = { 1f / 1000 };

        /// <summary>A frame of one component, value 0..32 in steps of 1/1000.</summary>
        internal static byte[] Frame(long sample, float value, uint sequence, ushort epoch = 0, ushort avatar = 1)
        {
            var b = new byte[Wire.FrameHeadBytes + 2];
            b[0] = Wire.KindFrame;
            Wire.WriteU16(b, 2, avatar);
            Wire.WriteU16(b, 4, epoch);
            b[6] = 1; b[7] = (byte)Driver.Text;
            Wire.WriteU32(b, 8, sequence);
            Wire.WriteU48(b, 12, sample);
            Wire.WriteU16(b, Wire.FrameHeadBytes, (short)Math.Round(value * 1000));
            return b;
        }

        private static void Add(JitterBuffer buffer, long sample, float value, uint sequence, ushort epoch = 0)
        {
            byte[] data = Frame(sample, value, sequence, epoch);
            int size;
            Assert.IsTrue(buffer.TryAdd(data, 0, data.Length, Scales, out size));
        }

        [Test]
        public void BetweenTwoFramesTheFaceIsInterpolated()
        {
            var buffer = new JitterBuffer();
            Add(buffer, 0, 0f, 0);
            Add(buffer, 800, 1f, 1);
            var pose = new FlamePose();
            Assert.IsTrue(buffer.TryGet(200, pose));
            Assert.AreEqual(0.25f, pose.Expression[0], 1e-3);
            Assert.AreEqual(200, pose.Sample);
        }

        [Test]
        public void ALostFrameIsBridged()
        {
            var buffer = new JitterBuffer();
            Add(buffer, 0, 0f, 0);
            Add(buffer, 1600, 1f, 2);
            var pose = new FlamePose();
            Assert.IsTrue(buffer.TryGet(800, pose));
            Assert.AreEqual(0.5f, pose.Expression[0], 1e-3);
            Assert.AreEqual(1, buffer.Lost);
        }

        [Test]
        public void WithAFifthOfAllFramesLostTheFaceStaysAliveAndMovesNoFasterThanTheMotion()
        {
            var buffer = new JitterBuffer();
            var random = new Random(7);
            var pose = new FlamePose();
            float last = 0f, fastest = 0f, widest = 0f, narrowest = 1f;
            for (int i = 0; i < 600; i++)
            {
                int ahead = i + 4; // frames come before the sound that they belong to
                if (random.Next(5) != 0)
                    Add(buffer, ahead * 800, 0.5f + 0.5f * (float)Math.Sin(ahead / 6.0), (uint)ahead);
                if (i < 20)
                    continue;
                Assert.IsTrue(buffer.TryGet(i * 800, pose));
                float now = pose.Expression[0];
                if (i > 20)
                    fastest = Math.Max(fastest, Math.Abs(now - last));
                widest = Math.Max(widest, now);
                narrowest = Math.Min(narrowest, now);
                last = now;
            }
            Assert.Greater(buffer.Lost, 60);
            // The motion itself moves by 0.083 a frame; a run of five lost frames is held, then caught up.
            Assert.Less(fastest, 0.2f);
            Assert.Greater(widest, 0.95f);
            Assert.Less(narrowest, 0.05f);
        }

        [Test]
        public void FramesOutOfOrderAreSortedAndDoublesDropped()
        {
            var buffer = new JitterBuffer();
            Add(buffer, 1600, 2f, 2);
            Add(buffer, 0, 0f, 0);
            Add(buffer, 800, 1f, 1);
            Add(buffer, 800, 1f, 1);
            var pose = new FlamePose();
            buffer.TryGet(1200, pose);
            Assert.AreEqual(1.5f, pose.Expression[0], 1e-3);
            Assert.AreEqual(1, buffer.Dropped);
        }

        [Test]
        public void WithoutFramesTheFaceIsHeldThenEasedToRest()
        {
            var buffer = new JitterBuffer();
            Add(buffer, 0, 1f, 0);
            var pose = new FlamePose();
            buffer.TryGet(JitterBuffer.HoldSamples, pose);
            Assert.AreEqual(1f, pose.Expression[0], 1e-3);
            float last = 1f;
            for (int ms = 150; ms <= 400; ms += 10)
            {
                buffer.TryGet(ms * 48, pose);
                Assert.LessOrEqual(pose.Expression[0], last + 1e-6);
                last = pose.Expression[0];
            }
            Assert.AreEqual(0f, last, 1e-3);
        }

        [Test]
        public void AfterAStopOnlyFramesOfTheNewEpochCount()
        {
            var buffer = new JitterBuffer();
            Add(buffer, 0, 1f, 0);
            buffer.Stop(1);
            Add(buffer, 800, 1f, 1);
            Assert.AreEqual(0, buffer.Count);
            Add(buffer, 1600, 0.5f, 2, 1);
            var pose = new FlamePose();
            Assert.IsTrue(buffer.TryGet(1600, pose));
            Assert.AreEqual(0.5f, pose.Expression[0], 1e-3);
        }

        [Test]
        public void MoreFramesThanRoomKeepsTheNewest()
        {
            var buffer = new JitterBuffer(8);
            for (uint i = 0; i < 100; i++) Add(buffer, i * 800, i / 10f, i);
            Assert.AreEqual(8, buffer.Count);
            Assert.AreEqual(99 * 800, buffer.NewestSample);
        }

        [Test]
        public void ADayOfRandomArrivalsNeverThrowsOrRunsBackwards()
        {
            var random = new Random(7);
            var buffer = new JitterBuffer();
            var pose = new FlamePose();
            uint sequence = 0;
            double drawn = double.NegativeInfinity;
            for (long sample = 0; sample < 800 * 20000; sample += 800)
            {
                if (random.Next(5) > 0) Add(buffer, sample, random.Next(10), sequence);
                sequence++;
                if (!buffer.TryGet(sample - 4800 + random.Next(400), pose)) continue;
                Assert.IsFalse(float.IsNaN(pose.Expression[0]));
                Assert.GreaterOrEqual(pose.Sample, drawn - 1600);
                drawn = pose.Sample;
            }
        }

        [Test]
        public void NothingIsAllocatedPerFrame()
        {
            var buffer = new JitterBuffer();
            var pose = new FlamePose();
            byte[] data = Frame(0, 1f, 0);
            Action<int> run = frames =>
            {
                for (int i = 0; i < frames; i++)
                {
                    Wire.WriteU48(data, 12, i * 800L);
                    Wire.WriteU32(data, 8, (uint)i);
                    int size;
                    buffer.TryAdd(data, 0, data.Length, Scales, out size);
                    buffer.TryGet(i * 800 - 2400, pose);
                }
            };
            run(2000);
            GC.Collect();
            int before = GC.CollectionCount(0);
            Func<long> allocated = Allocated();
            long bytes = allocated();
            run(200000);
            Assert.AreEqual(0, allocated() - bytes, "bytes, in 200,000 frames");
            Assert.AreEqual(before, GC.CollectionCount(0), "the collector ran");
        }

        /// <summary>The bytes that this thread has ever allocated, where the runtime counts them.</summary>
        private static Func<long> Allocated()
        {
            System.Reflection.MethodInfo count = typeof(GC).GetMethod("GetAllocatedBytesForCurrentThread", Type.EmptyTypes);
            return count == null ? () => 0 : (Func<long>)Delegate.CreateDelegate(typeof(Func<long>), count);
        }
    }
}
