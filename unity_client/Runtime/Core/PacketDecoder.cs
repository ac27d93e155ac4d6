using System;

namespace Likeness
{
    /// <summary>Reads motion frames. Allocates nothing; refuses, without throwing, whatever is not a frame.</summary>
    public static class PacketDecoder
    {
        /// <summary>
        /// The avatar and size of the frame at <paramref name="offset"/>, without its values. False when the
        /// bytes there are not a whole frame of version 1.
        /// </summary>
        public static bool TryPeek(byte[] data, int offset, int end, out ushort avatar, out int size)
        {
            avatar = 0; size = 0;
            if (data == null || offset < 0 || end > data.Length || end - offset < Wire.FrameHeadBytes) return false;
            if (data[offset] != Wire.KindFrame || (data[offset + 1] & 0xF0) != 0) return false;
            int components = data[offset + 6];
            if (components > Wire.MaxComponents) return false;
            int total = Wire.FrameHeadBytes + 2 * components
                + ((data[offset + 1] & Wire.FlagHands) != 0 ? Wire.HandsBytes : 0);
            if (end - offset < total) return false;
            avatar = Wire.ReadU16(data, offset + 2);
            size = total;
            return true;
        }

        /// <summary>
        /// How many whole frames the first <paramref name="count"/> bytes hold, one after another; 0 when they
        /// are anything else. A datagram with one bad frame is refused whole.
        /// </summary>
        public static int CountFrames(byte[] data, int count)
        {
            int frames = 0;
            for (int offset = 0; offset < count; frames++)
            {
                ushort avatar; int size;
                if (!TryPeek(data, offset, count, out avatar, out size)) return 0;
                offset += size;
            }
            return frames;
        }

        /// <summary>
        /// Decodes one frame into <paramref name="pose"/>. <paramref name="scales"/> are the header's, one per
        /// component; false when their number is not the frame's, or the bytes are not a frame.
        /// </summary>
        public static bool TryDecode(byte[] data, int offset, int end, float[] scales, FlamePose pose, out int size)
        {
            ushort avatar;
            if (!TryPeek(data, offset, end, out avatar, out size)) return false;
            int components = data[offset + 6];
            if (scales == null || scales.Length != components) return false;
            pose.Avatar = avatar;
            pose.Flags = data[offset + 1];
            pose.Epoch = Wire.ReadU16(data, offset + 4);
            pose.Components = components;
            pose.Driver = data[offset + 7];
            pose.Sequence = Wire.ReadU32(data, offset + 8);
            pose.Sample = Wire.ReadU48(data, offset + 12);
            pose.EyelidLeft = data[offset + 18] / 255f;
            pose.EyelidRight = data[offset + 19] / 255f;
            pose.Jaw = Vector(data, offset + 20, Wire.AngleStep);
            pose.Neck = Vector(data, offset + 26, Wire.AngleStep);
            pose.EyeLeft = Gaze(data, offset + 32);
            pose.EyeRight = Gaze(data, offset + 36);
            pose.HeadRotation = Vector(data, offset + 40, Wire.AngleStep);
            pose.HeadTranslation = Vector(data, offset + 46, Wire.TranslationStep);
            int p = offset + Wire.FrameHeadBytes;
            float[] e = pose.Expression;
            for (int i = 0; i < components; i++, p += 2) e[i] = Wire.ReadI16(data, p) * scales[i];
            pose.HasHands = (pose.Flags & Wire.FlagHands) != 0;
            if (pose.HasHands)
            {
                pose.HandLeft = Hand(data, p);
                pose.HandRight = Hand(data, p + 12);
            }
            return true;
        }

        private static Float3 Vector(byte[] b, int o, float step)
        {
            return new Float3(Wire.ReadI16(b, o) * step, Wire.ReadI16(b, o + 2) * step, Wire.ReadI16(b, o + 4) * step);
        }

        private static Float3 Gaze(byte[] b, int o)
        {
            return new Float3(Wire.ReadI16(b, o) * Wire.AngleStep, Wire.ReadI16(b, o + 2) * Wire.AngleStep, 0);
        }

        private static HandPose Hand(byte[] b, int o)
        {
            return new HandPose
            {
                Position = Vector(b, o, Wire.HandStep),
                Rotation = SmallestThree(Wire.ReadU32(b, o + 6)),
                Grip = b[o + 10] / 255f,
                Pinch = b[o + 11] / 255f,
            };
        }

        /// <summary>The quaternion whose largest component was left out.</summary>
        internal static Float4 SmallestThree(uint bits)
        {
            float a = Third(bits >> 20), b = Third(bits >> 10), c = Third(bits);
            float rest = (float)Math.Sqrt(Math.Max(0, 1 - a * a - b * b - c * c));
            switch (bits >> 30)
            {
                case 0: return new Float4(rest, a, b, c);
                case 1: return new Float4(a, rest, b, c);
                case 2: return new Float4(a, b, rest, c);
                default: return new Float4(a, b, c, rest);
            }
        }

        private static float Third(uint bits) { return ((bits & 1023) / 1023f * 2 - 1) * 0.70710678f; }
    }
}
