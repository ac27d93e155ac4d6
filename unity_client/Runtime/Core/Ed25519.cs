using System;
using System.Security.Cryptography;

namespace Likeness
{
    /// <summary>Checks Ed25519 signatures. A platform's own library can take the place of <see cref="Ed25519"/>.</summary>
    public interface IEd25519
    {
        /// <summary>Whether the signature (64 bytes) of the message is of the key (32 bytes). Never throws for bad bytes.</summary>
        bool Verify(byte[] publicKey, byte[] message, byte[] signature);
    }

    /// <summary>
    /// Ed25519 verification (RFC 8032, section 5.1.7, without cofactor) in managed code, for platforms whose
    /// System.Security.Cryptography has none. It only verifies: there is no secret here, so it need not run in
    /// constant time. One instance may be used by one thread at a time.
    /// </summary>
    public sealed class Ed25519 : IEd25519
    {
        // The group's order L = 2^252 + 27742317777372353535851937790883648493, little-endian.
        private static readonly byte[] Order =
        {
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        };
        private readonly Point _base;

        public Ed25519()
        {
            // The base point: y = 4/5, x even.
            var y = new byte[32];
            for (int i = 0; i < 32; i++) y[i] = 0x66;
            y[0] = 0x58;
            _base = Point.Read(y);
        }

        public bool Verify(byte[] publicKey, byte[] message, byte[] signature)
        {
            if (publicKey == null || publicKey.Length != 32 || message == null || signature == null || signature.Length != 64)
                return false;
            var s = new byte[32];
            Buffer.BlockCopy(signature, 32, s, 0, 32);
            if (!BelowOrder(s)) return false;
            Point a = Point.Read(publicKey);
            if (a == null) return false;
            byte[] h;
            using (SHA512 hash = SHA512.Create())
            {
                var all = new byte[64 + message.Length];
                Buffer.BlockCopy(signature, 0, all, 0, 32);
                Buffer.BlockCopy(publicKey, 0, all, 32, 32);
                Buffer.BlockCopy(message, 0, all, 64, message.Length);
                h = Reduce(hash.ComputeHash(all));
            }
            byte[] r = Combine(s, _base, h, a.Negate()).Write();
            for (int i = 0; i < 32; i++) if (r[i] != signature[i]) return false;
            return true;
        }

        /// <summary>[s]P + [h]Q, both in one walk over the bits (Straus).</summary>
        private static Point Combine(byte[] s, Point p, byte[] h, Point q)
        {
            Point both = Point.Add(p, q), sum = Point.Zero();
            for (int bit = 255; bit >= 0; bit--)
            {
                sum = Point.Double(sum);
                int take = (s[bit >> 3] >> (bit & 7)) & 1 | ((h[bit >> 3] >> (bit & 7)) & 1) << 1;
                if (take != 0) sum = Point.Add(sum, take == 1 ? p : take == 2 ? q : both);
            }
            return sum;
        }

        private static bool BelowOrder(byte[] s)
        {
            for (int i = 31; i >= 0; i--) if (s[i] != Order[i]) return s[i] < Order[i];
            return false;
        }

        /// <summary>A 64-byte little-endian number modulo L.</summary>
        private static byte[] Reduce(byte[] wide)
        {
            var x = new long[64];
            for (int i = 0; i < 64; i++) x[i] = wide[i];
            for (int i = 63; i >= 32; i--)
            {
                // 2^252 = -(L - 2^252): each byte from the 32nd on is folded back, 16 times its value.
                long carry = 0;
                int j;
                for (j = i - 32; j < i - 12; j++)
                {
                    x[j] += carry - 16 * x[i] * Order[j - (i - 32)];
                    carry = (x[j] + 128) >> 8;
                    x[j] -= carry << 8;
                }
                x[j] += carry;
                x[i] = 0;
            }
            long rest = 0;
            for (int j = 0; j < 32; j++)
            {
                x[j] += rest - (x[31] >> 4) * Order[j];
                rest = x[j] >> 8;
                x[j] &= 255;
            }
            for (int j = 0; j < 32; j++) x[j] -= rest * Order[j];
            var r = new byte[32];
            for (int i = 0; i < 32; i++)
            {
                x[i + 1] += x[i] >> 8;
                r[i] = (byte)(x[i] & 255);
            }
            return r;
        }

        /// <summary>A point of the curve in extended coordinates: x = X/Z, y = Y/Z, T = XY/Z (RFC 8032, 5.1.4).</summary>
        private sealed class Point
        {
            private static readonly long[] D = Field.Read(Hex("a3785913ca4deb75abd841414d0a700098e879777940c78c73fe6f2bee6c0352"));
            private static readonly long[] TwiceD = Field.Add(D, D);
            private static readonly long[] RootOfMinusOne = Field.Read(Hex("b0a00e4a271beec478e42fad0618432fa7d7fb3d99004d2b0bdfc14f8024832b"));
            private long[] _x, _y, _z, _t;

            internal static Point Zero() { return new Point { _x = Field.Small(0), _y = Field.Small(1), _z = Field.Small(1), _t = Field.Small(0) }; }

            internal Point Negate() { return new Point { _x = Field.Subtract(Field.Small(0), _x), _y = _y, _z = _z, _t = Field.Subtract(Field.Small(0), _t) }; }

            /// <summary>The point of its 32 bytes; null when there is none.</summary>
            internal static Point Read(byte[] bytes)
            {
                long[] one = Field.Small(1), y = Field.Read(bytes), yy = Field.Multiply(y, y);
                long[] u = Field.Subtract(yy, one), v = Field.Add(Field.Multiply(D, yy), one);
                // x = u v^3 (u v^7)^((p-5)/8)
                long[] v3 = Field.Multiply(Field.Multiply(v, v), v);
                long[] v7 = Field.Multiply(Field.Multiply(v3, v3), v);
                long[] x = Field.Multiply(Field.Multiply(u, v3), Field.PowerOf2To252Minus3(Field.Multiply(u, v7)));
                long[] check = Field.Multiply(v, Field.Multiply(x, x));
                if (!Field.Same(check, u))
                {
                    if (!Field.Same(check, Field.Subtract(Field.Small(0), u))) return null;
                    x = Field.Multiply(x, RootOfMinusOne);
                }
                byte[] xBytes = Field.Write(x);
                int sign = bytes[31] >> 7;
                bool isZero = true;
                for (int i = 0; i < 32; i++) isZero &= xBytes[i] == 0;
                if (isZero && sign == 1) return null;
                if ((xBytes[0] & 1) != sign) x = Field.Subtract(Field.Small(0), x);
                return new Point { _x = x, _y = y, _z = one, _t = Field.Multiply(x, y) };
            }

            internal byte[] Write()
            {
                long[] i = Field.Invert(_z);
                byte[] y = Field.Write(Field.Multiply(_y, i));
                y[31] ^= (byte)((Field.Write(Field.Multiply(_x, i))[0] & 1) << 7);
                return y;
            }

            internal static Point Add(Point p, Point q)
            {
                long[] a = Field.Multiply(Field.Subtract(p._y, p._x), Field.Subtract(q._y, q._x));
                long[] b = Field.Multiply(Field.Add(p._y, p._x), Field.Add(q._y, q._x));
                long[] c = Field.Multiply(Field.Multiply(p._t, TwiceD), q._t);
                long[] zz = Field.Multiply(p._z, q._z), d = Field.Add(zz, zz);
                return From(Field.Subtract(b, a), Field.Subtract(d, c), Field.Add(d, c), Field.Add(b, a));
            }

            internal static Point Double(Point p)
            {
                long[] a = Field.Multiply(p._x, p._x), b = Field.Multiply(p._y, p._y);
                long[] zz = Field.Multiply(p._z, p._z), c = Field.Add(zz, zz), h = Field.Add(a, b);
                long[] xy = Field.Add(p._x, p._y), e = Field.Subtract(h, Field.Multiply(xy, xy)), g = Field.Subtract(a, b);
                return From(e, Field.Carry(Field.Add(c, g)), g, h);
            }

            private static Point From(long[] e, long[] f, long[] g, long[] h)
            {
                return new Point { _x = Field.Multiply(e, f), _y = Field.Multiply(g, h), _t = Field.Multiply(e, h), _z = Field.Multiply(f, g) };
            }

            private static byte[] Hex(string text)
            {
                var bytes = new byte[text.Length / 2];
                for (int i = 0; i < bytes.Length; i++) bytes[i] = Convert.ToByte(text.Substring(2 * i, 2), 16);
                return bytes;
            }
        }

        /// <summary>Numbers modulo 2^255 - 19 in ten limbs of 26 and 25 bits by turns.</summary>
        private static class Field
        {
            internal static long[] Small(int value) { var r = new long[10]; r[0] = value; return r; }

            internal static long[] Add(long[] f, long[] g)
            {
                var r = new long[10];
                for (int i = 0; i < 10; i++) r[i] = f[i] + g[i];
                return r;
            }

            internal static long[] Subtract(long[] f, long[] g)
            {
                var r = new long[10];
                for (int i = 0; i < 10; i++) r[i] = f[i] - g[i];
                return r;
            }

            internal static long[] Multiply(long[] f, long[] g)
            {
                long f0 = f[0], f1 = f[1], f2 = f[2], f3 = f[3], f4 = f[4], f5 = f[5], f6 = f[6], f7 = f[7], f8 = f[8], f9 = f[9];
                long g0 = g[0], g1 = g[1], g2 = g[2], g3 = g[3], g4 = g[4], g5 = g[5], g6 = g[6], g7 = g[7], g8 = g[8], g9 = g[9];
                // Odd limbs weigh half a bit more: two of them double; what passes 2^255 comes back 19 times.
                long t1 = 2 * f1, t3 = 2 * f3, t5 = 2 * f5, t7 = 2 * f7, t9 = 2 * f9;
                long n1 = 19 * g1, n2 = 19 * g2, n3 = 19 * g3, n4 = 19 * g4, n5 = 19 * g5, n6 = 19 * g6, n7 = 19 * g7, n8 = 19 * g8, n9 = 19 * g9;
                long h0 = f0 * g0 + t1 * n9 + f2 * n8 + t3 * n7 + f4 * n6 + t5 * n5 + f6 * n4 + t7 * n3 + f8 * n2 + t9 * n1;
                long h1 = f0 * g1 + f1 * g0 + f2 * n9 + f3 * n8 + f4 * n7 + f5 * n6 + f6 * n5 + f7 * n4 + f8 * n3 + f9 * n2;
                long h2 = f0 * g2 + t1 * g1 + f2 * g0 + t3 * n9 + f4 * n8 + t5 * n7 + f6 * n6 + t7 * n5 + f8 * n4 + t9 * n3;
                long h3 = f0 * g3 + f1 * g2 + f2 * g1 + f3 * g0 + f4 * n9 + f5 * n8 + f6 * n7 + f7 * n6 + f8 * n5 + f9 * n4;
                long h4 = f0 * g4 + t1 * g3 + f2 * g2 + t3 * g1 + f4 * g0 + t5 * n9 + f6 * n8 + t7 * n7 + f8 * n6 + t9 * n5;
                long h5 = f0 * g5 + f1 * g4 + f2 * g3 + f3 * g2 + f4 * g1 + f5 * g0 + f6 * n9 + f7 * n8 + f8 * n7 + f9 * n6;
                long h6 = f0 * g6 + t1 * g5 + f2 * g4 + t3 * g3 + f4 * g2 + t5 * g1 + f6 * g0 + t7 * n9 + f8 * n8 + t9 * n7;
                long h7 = f0 * g7 + f1 * g6 + f2 * g5 + f3 * g4 + f4 * g3 + f5 * g2 + f6 * g1 + f7 * g0 + f8 * n9 + f9 * n8;
                long h8 = f0 * g8 + t1 * g7 + f2 * g6 + t3 * g5 + f4 * g4 + t5 * g3 + f6 * g2 + t7 * g1 + f8 * g0 + t9 * n9;
                long h9 = f0 * g9 + f1 * g8 + f2 * g7 + f3 * g6 + f4 * g5 + f5 * g4 + f6 * g3 + f7 * g2 + f8 * g1 + f9 * g0;
                return Carry(new[] { h0, h1, h2, h3, h4, h5, h6, h7, h8, h9 });
            }

            /// <summary>Brings each limb back to its bits, in place; twice, because the last carry returns to the first.</summary>
            internal static long[] Carry(long[] h)
            {
                for (int round = 0; round < 2; round++)
                {
                    for (int i = 0; i < 10; i++)
                    {
                        int bits = (i & 1) == 0 ? 26 : 25;
                        long carry = (h[i] + (1L << (bits - 1))) >> bits;
                        h[i] -= carry << bits;
                        if (i < 9) h[i + 1] += carry; else h[0] += 19 * carry;
                    }
                }
                return h;
            }

            internal static long[] Invert(long[] z)
            {
                // z^(p-2) = z^(2^255 - 21) = (z^(2^252 - 3))^8 z^3
                long[] t = PowerOf2To252Minus3(z);
                for (int i = 0; i < 3; i++) t = Multiply(t, t);
                return Multiply(t, Multiply(z, Multiply(z, z)));
            }

            internal static long[] PowerOf2To252Minus3(long[] z)
            {
                long[] t = z;   // the exponent's highest bit; below it 249 ones, a zero, a one
                for (int bit = 250; bit >= 0; bit--)
                {
                    t = Multiply(t, t);
                    if (bit != 1) t = Multiply(t, z);
                }
                return t;
            }

            internal static bool Same(long[] f, long[] g)
            {
                byte[] a = Write(f), b = Write(g);
                for (int i = 0; i < 32; i++) if (a[i] != b[i]) return false;
                return true;
            }

            internal static long[] Read(byte[] bytes)
            {
                var r = new long[10];
                for (int i = 0, at = 0; i < 10; i++)
                {
                    int bits = (i & 1) == 0 ? 26 : 25;
                    for (int k = 0; k < bits && at + k < 255; k++) r[i] |= (long)((bytes[(at + k) >> 3] >> ((at + k) & 7)) & 1) << k;
                    at += bits;
                }
                return r;
            }

            internal static byte[] Write(long[] f)
            {
                var h = (long[])f.Clone();
                Carry(h);
                // q is 1 when h is 2^255 - 19 or more, -1 when it is below zero: what to take away.
                long q = (19 * h[9] + (1L << 24)) >> 25;
                for (int i = 0; i < 10; i++) q = (h[i] + q) >> ((i & 1) == 0 ? 26 : 25);
                h[0] += 19 * q;
                for (int i = 0; i < 10; i++)
                {
                    int bits = (i & 1) == 0 ? 26 : 25;
                    long carry = h[i] >> bits;
                    h[i] -= carry << bits;
                    if (i < 9) h[i + 1] += carry;
                }
                var bytes = new byte[32];
                for (int i = 0, at = 0; i < 10; i++)
                {
                    int bits = (i & 1) == 0 ? 26 : 25;
                    for (int k = 0; k < bits; k++) bytes[(at + k) >> 3] |= (byte)(((h[i] >> k) & 1) << ((at + k) & 7));
                    at += bits;
                }
                return bytes;
            }
        }
    }
}
