using System;
using NUnit.Framework;

namespace Likeness.Tests
{
    [TestFixture]
    public sealed class ClientPacketsTests
    {
        [Test]
        public void GoldenDatagramsAreWrittenBitExactly()
        {
            int written = 0;
            foreach (Json golden in VectorFiles.Read("datagrams.json")["datagrams"].Items)
            {
                Json v = golden["values"];
                var into = new byte[4096];
                int count;
                switch (v["type"].Text)
                {
                    case "stop": count = ClientPackets.Stop(into, (ushort)v["avatar"].Int, (ushort)v["epoch"].Int); break;
                    case "ping": count = ClientPackets.Ping(into, v["nonce"].UInt, v["clientTime"].Number); break;
                    case "pose":
                        HandPose? left = null, right = null;
                        if (v["hands"].Items.Count == 2) { left = Hand(v["hands"].Items[0]); right = Hand(v["hands"].Items[1]); }
                        count = ClientPackets.Pose(into, v["sequence"].UInt, Vector(v["position"]), Quaternion(v["rotation"]), left, right);
                        break;
                    case "controls":
                        float[] gaze = VectorFiles.Floats(v["gaze"]);
                        count = ClientPackets.Controls(into, v["sequence"].UInt, VectorFiles.Floats(v["controls"]), Vector(v["head"]), gaze[0], gaze[1]);
                        break;
                    case "voice":
                        if (v["codec"].Int != Wire.CodecPcm16 || v["avatar"].Int != 0) continue;
                        byte[] payload = VectorFiles.Hex(v["payload"].Text);
                        var pcm = new short[payload.Length / 2];
                        Buffer.BlockCopy(payload, 0, pcm, 0, payload.Length);
                        count = ClientPackets.Voice(into, v["sample"].Long, pcm, 0, pcm.Length);
                        break;
                    default: continue;
                }
                var bytes = new byte[count];
                Array.Copy(into, bytes, count);
                Assert.AreEqual(golden["hex"].Text, BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant(), golden["name"].Text);
                written++;
            }
            Assert.GreaterOrEqual(written, 5);
        }

        [Test]
        public void AGoldenPongIsRead()
        {
            foreach (Json golden in VectorFiles.Read("datagrams.json")["datagrams"].Items)
            {
                if (golden["values"]["type"].Text != "pong") continue;
                byte[] data = VectorFiles.Hex(golden["hex"].Text);
                uint nonce; double client, server;
                Assert.IsTrue(ClientPackets.TryPong(data, data.Length, out nonce, out client, out server));
                Assert.AreEqual(golden["values"]["nonce"].UInt, nonce);
                Assert.AreEqual(golden["values"]["clientTime"].Number, client);
                Assert.AreEqual(golden["values"]["serverTime"].Number, server);
                return;
            }
            Assert.Fail("no golden pong");
        }

        private static Float3 Vector(Json j) { float[] f = VectorFiles.Floats(j); return new Float3(f[0], f[1], f[2]); }
        private static Float4 Quaternion(Json j) { float[] f = VectorFiles.Floats(j); return new Float4(f[0], f[1], f[2], f[3]); }
        private static HandPose Hand(Json j)
        {
            return new HandPose
            {
                Position = Vector(j["position"]), Rotation = Quaternion(j["rotation"]),
                Grip = (float)j["grip"].Number, Pinch = (float)j["pinch"].Number,
            };
        }
    }
}
