using System;

namespace Likeness
{
    /// <summary>
    /// The first 8 bytes of a frame's SHA-256 (FIPS 180-4), which a seal lists. The runtime's own SHA-256 makes
    /// an array for each hash; this one makes nothing. Not thread-safe.
    /// </summary>
    public sealed class FrameDigest
    {
        private static readonly uint[] K = Constants();
        private static readonly uint[] Start =
        {
            0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
        };
        private readonly uint[] _w = new uint[64];
        private readonly uint[] _h = new uint[8];

        /// <summary>The digest of some bytes; its first byte is the number's highest.</summary>
        public ulong Of(byte[] data, int offset, int count)
        {
            Hash(data, offset, count);
            return (ulong)_h[0] << 32 | _h[1];
        }

        /// <summary>The first 16 bytes of the SHA-256 of some bytes: what ties a seal to the one before.</summary>
        public byte[] LinkOf(byte[] data)
        {
            Hash(data, 0, data.Length);
            var link = new byte[SignedBytes.LinkBytes];
            for (int i = 0; i < link.Length; i++) link[i] = (byte)(_h[i >> 2] >> (24 - 8 * (i & 3)));
            return link;
        }

        private void Hash(byte[] data, int offset, int count)
        {
            Array.Copy(Start, _h, 8);
            long bits = 8L * count;
            int blocks = (count + 9 + 63) / 64;
            for (int block = 0; block < blocks; block++)
            {
                for (int i = 0; i < 16; i++)
                {
                    int at = 64 * block + 4 * i;
                    _w[i] = (uint)(Byte(data, offset, count, at) << 24 | Byte(data, offset, count, at + 1) << 16
                        | Byte(data, offset, count, at + 2) << 8 | Byte(data, offset, count, at + 3));
                }
                if (block == blocks - 1) { _w[14] = (uint)(bits >> 32); _w[15] = (uint)bits; }
                Mix();
            }
        }

        /// <summary>The 8 bytes at an offset as <see cref="Of"/> gives them.</summary>
        public static ulong Read(byte[] bytes, int offset)
        {
            ulong v = 0;
            for (int i = 0; i < 8; i++) v = v << 8 | bytes[offset + i];
            return v;
        }

        private static int Byte(byte[] data, int offset, int count, int at)
        {
            return at < count ? data[offset + at] : at == count ? 0x80 : 0;
        }

        private void Mix()
        {
            uint[] w = _w;
            for (int i = 16; i < 64; i++)
            {
                uint x = w[i - 15], y = w[i - 2];
                w[i] = w[i - 16] + (Turn(x, 7) ^ Turn(x, 18) ^ (x >> 3)) + w[i - 7] + (Turn(y, 17) ^ Turn(y, 19) ^ (y >> 10));
            }
            uint a = _h[0], b = _h[1], c = _h[2], d = _h[3], e = _h[4], f = _h[5], g = _h[6], h = _h[7];
            for (int i = 0; i < 64; i++)
            {
                uint t1 = h + (Turn(e, 6) ^ Turn(e, 11) ^ Turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
                uint t2 = (Turn(a, 2) ^ Turn(a, 13) ^ Turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
                h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
            }
            _h[0] += a; _h[1] += b; _h[2] += c; _h[3] += d; _h[4] += e; _h[5] += f; _h[6] += g; _h[7] += h;
        }

        private static uint Turn(uint v, int n) { return v >> n | v << (32 - n); }

        /// <summary>The first 32 bits of the fractions of the cube roots of the first 64 primes.</summary>
        private static uint[] Constants()
        {
            var k = new uint[64];
            for (int n = 0, p = 2; n < 64; p++)
            {
                bool prime = true;
                for (int q = 2; q * q <= p; q++) prime &= p % q != 0;
                if (!prime) continue;
                // floor(cbrt(p) 2^32) by bisection: p 2^96 has up to 105 bits, so it is compared in decimal.
                decimal low = 1, high = 8;
                for (int i = 0; i < 90; i++)
                {
                    decimal middle = (low + high) / 2;
                    if (middle * middle * middle <= p) low = middle; else high = middle;
                }
                k[n++] = (uint)((low - decimal.Floor(low)) * 4294967296m);
            }
            return k;
        }
    }
}
