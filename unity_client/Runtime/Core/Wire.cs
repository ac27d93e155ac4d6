using System;
using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Likeness.Core.Tests")]

namespace Likeness
{
    /// <summary>Constants of the wire format, version 1 (docs/protocol.md).</summary>
    public static class Wire
    {
        public const int SampleRate = 48000;
        public const int FrameRate = 60;
        public const int SamplesPerFrame = SampleRate / FrameRate;
        public const int MaxDatagram = 1100;
        public const int MaxComponents = 100;
        public const int FrameHeadBytes = 52;
        public const int HandsBytes = 24;

        public const byte KindFrame = 0x01;
        public const byte KindStop = 0x02;
        public const byte KindPose = 0x05;
        public const byte KindLandmarks = 0x06;
        public const byte KindControls = 0x07;
        public const byte KindVoice = 0x08;
        public const byte KindPing = 0x09;
        public const byte KindPong = 0x0A;

        public const byte CodecPcm16 = 1;
        public const byte CodecOpus = 2;

        public const byte FlagHands = 1;
        public const byte FlagVoiced = 2;
        public const byte FlagTracked = 4;
        public const byte FlagEnd = 8;

        internal const float AngleStep = (float)(Math.PI / 32767.0);
        internal const float TranslationStep = 1f / 2048f;
        internal const float HandStep = 1f / 8192f;

        internal static ushort ReadU16(byte[] b, int o) { return (ushort)(b[o] | (b[o + 1] << 8)); }
        internal static short ReadI16(byte[] b, int o) { return (short)(b[o] | (b[o + 1] << 8)); }
        internal static uint ReadU32(byte[] b, int o)
        {
            return (uint)(b[o] | (b[o + 1] << 8) | (b[o + 2] << 16)) | ((uint)b[o + 3] << 24);
        }
        internal static long ReadU48(byte[] b, int o) { return ReadU32(b, o) | ((long)ReadU16(b, o + 4) << 32); }
        internal static double ReadF64(byte[] b, int o)
        {
            return BitConverter.Int64BitsToDouble((long)ReadU32(b, o) | ((long)ReadU32(b, o + 4) << 32));
        }

        internal static void WriteU16(byte[] b, int o, int v) { b[o] = (byte)v; b[o + 1] = (byte)(v >> 8); }
        internal static void WriteU32(byte[] b, int o, uint v)
        {
            b[o] = (byte)v; b[o + 1] = (byte)(v >> 8); b[o + 2] = (byte)(v >> 16); b[o + 3] = (byte)(v >> 24);
        }
        internal static void WriteU48(byte[] b, int o, long v)
        {
            WriteU32(b, o, (uint)v); WriteU16(b, o + 4, (int)((v >> 32) & 0xFFFF));
        }
        internal static void WriteF32(byte[] b, int o, float v)
        {
            var bits = new FloatBits { Value = v };
            WriteU32(b, o, bits.Bits);
        }
        internal static void WriteF64(byte[] b, int o, double v)
        {
            long bits = BitConverter.DoubleToInt64Bits(v);
            WriteU32(b, o, (uint)bits); WriteU32(b, o + 4, (uint)(bits >> 32));
        }

        [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Explicit)]
        private struct FloatBits
        {
            [System.Runtime.InteropServices.FieldOffset(0)] public float Value;
            [System.Runtime.InteropServices.FieldOffset(0)] public uint Bits;
        }

        /// <summary>a is newer than b, for 16-bit counters that wrap.</summary>
        public static bool NewerEpoch(ushort a, ushort b) { return (short)(a - b) > 0; }

        /// <summary>a is newer than b, for 32-bit counters that wrap.</summary>
        public static bool NewerSequence(uint a, uint b) { return (int)(a - b) > 0; }
    }
}
