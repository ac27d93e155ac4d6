using System;
using NUnit.Framework;

namespace Likeness.Tests
{
    [TestFixture]
    public sealed class PacketDecoderTests
    {
        private readonly Json _golden = VectorFiles.Read("frames.json");

        [Test]
        public void GoldenFramesDecodeToTheirValues()
        {
            Json tolerance = _golden["tolerance"];
            float angle = (float)tolerance["angle"].Number * 2, metre = (float)tolerance["metre"].Number * 2;
            int checkedFrames = 0;
            foreach (Json frame in _golden["frames"].Items)
            {
                string name = frame["name"].Text;
                byte[] data = VectorFiles.Hex(frame["hex"].Text);
                var pose = new FlamePose();
                int size;
                Assert.IsTrue(PacketDecoder.TryDecode(data, 0, data.Length, VectorFiles.Floats(frame["scales"]), pose, out size), name);
                Assert.AreEqual(data.Length, size, name);
                Json v = frame["values"];
                Assert.AreEqual(v["avatar"].Int, pose.Avatar, name);
                Assert.AreEqual(v["sequence"].UInt, pose.Sequence, name);
                Assert.AreEqual(v["sample"].Long, pose.Sample, name);
                Assert.AreEqual(v["epoch"].Int, pose.Epoch, name);
                Assert.AreEqual(v["driver"].Int, pose.Driver, name);
                Assert.AreEqual(v["voiced"].Bool, pose.Voiced, name);
                Assert.AreEqual(v["tracked"].Bool, pose.Tracked, name);
                Assert.AreEqual(v["end"].Bool, pose.End, name);
                Same(v["eyelids"], angle, name, pose.EyelidLeft, pose.EyelidRight);
                Same(v["jaw"], angle, name, pose.Jaw);
                Same(v["neck"], angle, name, pose.Neck);
                Same(v["leftEye"], angle, name, pose.EyeLeft);
                Same(v["rightEye"], angle, name, pose.EyeRight);
                Same(v["headRotation"], angle, name, pose.HeadRotation);
                Same(v["headTranslation"], metre, name, pose.HeadTranslation);
                Assert.AreEqual(v["expression"].Items.Count, pose.Components, name);
                for (int i = 0; i < pose.Components; i++)
                    Assert.AreEqual(v["expression"].Items[i].Number, pose.Expression[i], 2e-6, name + " " + i);
                Assert.AreEqual(v["hands"].Items.Count == 2, pose.HasHands, name);
                if (pose.HasHands)
                {
                    Hand(v["hands"].Items[0], pose.HandLeft, name);
                    Hand(v["hands"].Items[1], pose.HandRight, name);
                }
                checkedFrames++;
            }
            Assert.Greater(checkedFrames, 10);
        }

        [Test]
        public void WhatIsNotAFrameIsRefused()
        {
            foreach (Json bad in _golden["refused"].Items)
            {
                byte[] data = VectorFiles.Hex(bad["hex"].Text);
                Assert.AreEqual(0, PacketDecoder.CountFrames(data, data.Length), bad["reason"].Text);
            }
        }

        [Test]
        public void AFrameWithOtherComponentsThanItsHeaderIsRefused()
        {
            byte[] data = VectorFiles.Hex(_golden["mismatched"]["hex"].Text);
            int size;
            Assert.IsFalse(PacketDecoder.TryDecode(data, 0, data.Length, VectorFiles.Floats(_golden["mismatched"]["scales"]), new FlamePose(), out size));
        }

        [Test]
        public void ADatagramHoldsSeveralFrames()
        {
            byte[] data = VectorFiles.Hex(_golden["datagram"]["hex"].Text);
            Assert.AreEqual(_golden["datagram"]["sizes"].Items.Count, PacketDecoder.CountFrames(data, data.Length));
            int offset = 0;
            foreach (Json expected in _golden["datagram"]["sizes"].Items)
            {
                ushort avatar; int size;
                Assert.IsTrue(PacketDecoder.TryPeek(data, offset, data.Length, out avatar, out size));
                Assert.AreEqual(expected.Int, size);
                offset += size;
            }
        }

        [Test]
        public void EpochsAreComparedAcrossTheirWrap()
        {
            foreach (Json pair in _golden["newer_epoch"].Items)
                Assert.AreEqual(pair["newer"].Bool, Wire.NewerEpoch((ushort)pair["epoch"].Int, (ushort)pair["than"].Int),
                    pair["epoch"].Int + " than " + pair["than"].Int);
        }

        [Test]
        public void RandomBytesNeverThrow()
        {
            var random = new Random(1);
            var pose = new FlamePose();
            var scales = new float[50];
            for (int n = 0; n < 100000; n++)
            {
                var data = new byte[random.Next(0, 260)];
                random.NextBytes(data);
                if (data.Length > 6 && n % 2 == 0) { data[0] = Wire.KindFrame; data[1] &= 0x0F; data[6] = 50; }
                int size;
                PacketDecoder.CountFrames(data, data.Length);
                PacketDecoder.TryDecode(data, 0, data.Length, scales, pose, out size);
                Assert.LessOrEqual(size, data.Length);
            }
        }

        private static void Hand(Json expected, HandPose hand, string name)
        {
            Same(expected["position"], 2e-6f, name, hand.Position);
            Same(expected["rotation"], 2e-5f, name, hand.Rotation.X, hand.Rotation.Y, hand.Rotation.Z, hand.Rotation.W);
            Assert.AreEqual(expected["grip"].Number, hand.Grip, 2e-6, name);
            Assert.AreEqual(expected["pinch"].Number, hand.Pinch, 2e-6, name);
        }

        private static void Same(Json expected, float tolerance, string name, Float3 actual)
        {
            Same(expected, tolerance, name, actual.X, actual.Y, actual.Z);
        }

        private static void Same(Json expected, float tolerance, string name, params float[] actual)
        {
            Assert.AreEqual(expected.Items.Count, actual.Length, name);
            for (int i = 0; i < actual.Length; i++) Assert.AreEqual(expected.Items[i].Number, actual[i], tolerance, name + " [" + i + "]");
        }
    }
}
