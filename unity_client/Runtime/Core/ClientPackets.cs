using System;

namespace Likeness
{
    /// <summary>Writes the datagrams that a client sends. Each returns the number of bytes written.</summary>
    public static class ClientPackets
    {
        public const int StopBytes = 6;
        public const int PingBytes = 16;
        public const int PongBytes = 24;
        public const int ControlsBytes = 8 + 52 + 6 + 4;
        public const int PoseBytes = 8 + 12 + 16;
        public const int PoseHandBytes = 12 + 16 + 2;
        public const int VoiceHeadBytes = 10;

        public static int Stop(byte[] into, ushort avatar, ushort epoch)
        {
            Require(into, StopBytes);
            into[0] = Wire.KindStop; into[1] = 0;
            Wire.WriteU16(into, 2, avatar); Wire.WriteU16(into, 4, epoch);
            return StopBytes;
        }

        public static int Ping(byte[] into, uint nonce, double clientTimeMs)
        {
            Require(into, PingBytes);
            into[0] = Wire.KindPing; into[1] = into[2] = into[3] = 0;
            Wire.WriteU32(into, 4, nonce); Wire.WriteF64(into, 8, clientTimeMs);
            return PingBytes;
        }

        /// <summary>False when the bytes are not a ping.</summary>
        public static bool TryPing(byte[] data, int count, out uint nonce, out double timeMs)
        {
            nonce = 0; timeMs = 0;
            if (count != PingBytes || data[0] != Wire.KindPing) return false;
            nonce = Wire.ReadU32(data, 4);
            timeMs = Wire.ReadF64(data, 8);
            return true;
        }

        /// <summary>The answer to a ping.</summary>
        public static int Pong(byte[] into, uint nonce, double clientTimeMs, double serverTimeMs)
        {
            Require(into, PongBytes);
            into[0] = Wire.KindPong; into[1] = into[2] = into[3] = 0;
            Wire.WriteU32(into, 4, nonce); Wire.WriteF64(into, 8, clientTimeMs); Wire.WriteF64(into, 16, serverTimeMs);
            return PongBytes;
        }

        /// <summary>False when the bytes are not a pong.</summary>
        public static bool TryPong(byte[] data, int count, out uint nonce, out double clientTimeMs, out double serverTimeMs)
        {
            nonce = 0; clientTimeMs = serverTimeMs = 0;
            if (count != PongBytes || data[0] != Wire.KindPong) return false;
            nonce = Wire.ReadU32(data, 4);
            clientTimeMs = Wire.ReadF64(data, 8);
            serverTimeMs = Wire.ReadF64(data, 16);
            return true;
        }

        /// <summary>The person's head, and hands where there are any, in scene space (wire frame, m).</summary>
        public static int Pose(byte[] into, uint sequence, Float3 position, Float4 rotation,
            HandPose? left, HandPose? right)
        {
            bool hands = left.HasValue && right.HasValue;
            int size = PoseBytes + (hands ? 2 * PoseHandBytes : 0);
            Require(into, size);
            into[0] = Wire.KindPose; into[1] = (byte)(hands ? 1 : 0); into[2] = into[3] = 0;
            Wire.WriteU32(into, 4, sequence);
            int o = Write(into, 8, position, rotation);
            if (hands)
            {
                o = Hand(into, o, left.Value);
                o = Hand(into, o, right.Value);
            }
            return o;
        }

        /// <summary>The person's own face: 52 ARKit weights 0..1, head rotation (axis-angle), gaze (pitch, yaw), radians.</summary>
        public static int Controls(byte[] into, uint sequence, float[] controls, Float3 headRotation, float gazePitch, float gazeYaw)
        {
            Require(into, ControlsBytes);
            if (controls == null || controls.Length != Likeness.Controls.Count)
                throw new ArgumentException("52 controls are needed, in ARKit's order", "controls");
            into[0] = Wire.KindControls; into[1] = into[2] = into[3] = 0;
            Wire.WriteU32(into, 4, sequence);
            for (int i = 0; i < controls.Length; i++) into[8 + i] = Unit(controls[i]);
            int o = 8 + controls.Length;
            o = Angle(into, o, headRotation.X); o = Angle(into, o, headRotation.Y); o = Angle(into, o, headRotation.Z);
            o = Angle(into, o, gazePitch);
            return Angle(into, o, gazeYaw);
        }

        /// <summary>Mono PCM at 48 kHz; <paramref name="sample"/> counts from the first sample ever sent.</summary>
        public static int Voice(byte[] into, long sample, short[] pcm, int offset, int count)
        {
            Require(into, VoiceHeadBytes + 2 * count);
            VoiceHead(into, Wire.CodecPcm16, 0, sample);
            Buffer.BlockCopy(pcm, 2 * offset, into, VoiceHeadBytes, 2 * count);
            return VoiceHeadBytes + 2 * count;
        }

        /// <summary>What stands before a voice's payload.</summary>
        public static void VoiceHead(byte[] into, byte codec, ushort avatar, long sample)
        {
            into[0] = Wire.KindVoice; into[1] = codec;
            Wire.WriteU16(into, 2, avatar); Wire.WriteU48(into, 4, sample);
        }

        /// <summary>The first sample of a voice datagram.</summary>
        public static long VoiceSample(byte[] data) { return Wire.ReadU48(data, 4); }

        private static int Write(byte[] b, int o, Float3 p, Float4 q)
        {
            Wire.WriteF32(b, o, p.X); Wire.WriteF32(b, o + 4, p.Y); Wire.WriteF32(b, o + 8, p.Z);
            Wire.WriteF32(b, o + 12, q.X); Wire.WriteF32(b, o + 16, q.Y);
            Wire.WriteF32(b, o + 20, q.Z); Wire.WriteF32(b, o + 24, q.W);
            return o + 28;
        }

        private static int Hand(byte[] b, int o, HandPose h)
        {
            o = Write(b, o, h.Position, h.Rotation);
            b[o] = Unit(h.Grip); b[o + 1] = Unit(h.Pinch);
            return o + 2;
        }

        private static int Angle(byte[] b, int o, float radians)
        {
            double n = Math.Round(radians / Wire.AngleStep);
            Wire.WriteU16(b, o, (short)Math.Max(-32767, Math.Min(32767, n)));
            return o + 2;
        }

        private static byte Unit(float v) { return (byte)Math.Round(Math.Max(0f, Math.Min(1f, v)) * 255f); }

        private static void Require(byte[] into, int size)
        {
            if (into == null || into.Length < size) throw new ArgumentException("the buffer needs " + size + " bytes", "into");
        }
    }
}
