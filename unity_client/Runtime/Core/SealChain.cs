using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Likeness
{
    /// <summary>The byte strings that are signed (docs/provenance.md).</summary>
    public static class SignedBytes
    {
        public const int DigestBytes = 8;
        public const int LinkBytes = 16;

        public static byte[] Of(SessionCertificate c)
        {
            if (c.PublicKey.Length != 32 || c.ServerKey.Length != 32) throw new ProtocolException("a certificate's keys must have 32 bytes");
            var b = new List<byte>(256);
            b.AddRange(Encoding.ASCII.GetBytes("likeness/certificate/1\n"));
            Text(b, c.Session);
            b.AddRange(c.PublicKey);
            b.AddRange(c.ServerKey);
            Text(b, c.NotBefore);
            Text(b, c.NotAfter);
            return b.ToArray();
        }

        public static byte[] Of(Seal s)
        {
            if (s.Digests.Length % DigestBytes != 0 || s.Digests.Length > DigestBytes * 0xFFFF)
                throw new ProtocolException("seal " + s.Chunk + " has no whole digests");
            if (s.Previous.Length != 0 && s.Previous.Length != LinkBytes)
                throw new ProtocolException("seal " + s.Chunk + " has a link of " + s.Previous.Length + " bytes");
            var b = new List<byte>(192);
            b.AddRange(Encoding.ASCII.GetBytes("likeness/seal/1\n"));
            Text(b, s.Session);
            U32(b, s.Avatar); U32(b, s.Chunk); U32(b, s.FirstSequence);
            U16(b, s.Digests.Length / DigestBytes);
            b.AddRange(s.Digests);
            b.Add((byte)s.Previous.Length);
            b.AddRange(s.Previous);
            return b.ToArray();
        }

        private static void Text(List<byte> b, string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            if (bytes.Length > 0xFFFF) throw new ProtocolException("a text of " + bytes.Length + " bytes cannot be signed");
            U16(b, bytes.Length);
            b.AddRange(bytes);
        }

        private static void U16(List<byte> b, int v) { b.Add((byte)v); b.Add((byte)(v >> 8)); }
        private static void U32(List<byte> b, uint v) { U16(b, (int)(v & 0xFFFF)); U16(b, (int)(v >> 16)); }
    }

    /// <summary>
    /// Checks one avatar's stream as it comes: frames in any order, some lost; seals in order, some lost. What
    /// does not fit is remembered in <see cref="Problem"/>, for good. Each seal carries a hash of the one before,
    /// so a signature vouches for all linked seals before it: checking every tenth costs a tenth and finds a
    /// forged one a second later. Not thread-safe; a frame costs no allocation.
    /// </summary>
    public sealed class SealChain
    {
        private const int Memory = 1024;   // frames: 17 s
        private enum Known : byte { Nothing, Waiting, Missing, Verified }
        private struct Entry { public uint Sequence; public ulong Digest; public Known State; }

        private readonly Entry[] _frames = new Entry[Memory];
        private readonly SessionCertificate _certificate;
        private readonly ushort _avatar;
        private readonly IEd25519 _ed25519;
        private readonly int _signatureEvery;
        private readonly FrameDigest _digest = new FrameDigest();
        private long _next = -1;
        private byte[] _link = new byte[0];
        private int _unsigned;

        /// <param name="serverKey">The key that is trusted; null: only that the stream is unbroken is checked.</param>
        /// <param name="utcNow">For the certificate's times; null leaves them unchecked.</param>
        public SealChain(SessionCertificate certificate, ushort avatar, IEd25519 ed25519, byte[] serverKey = null,
            DateTime? utcNow = null, int signatureEvery = 1)
        {
            _certificate = certificate;
            _avatar = avatar;
            _ed25519 = ed25519;
            _signatureEvery = Math.Max(1, signatureEvery);
            _unsigned = _signatureEvery;   // the first seal's signature is always checked
            Problem = CheckCertificate(certificate, ed25519, serverKey, utcNow);
        }

        /// <summary>What does not hold, in words; null while everything does.</summary>
        public string Problem { get; private set; }
        /// <summary>Frames that are sealed and unchanged.</summary>
        public long Verified { get; private set; }
        /// <summary>Sealed frames that never came.</summary>
        public long Lost { get; private set; }
        /// <summary>Seals that never came.</summary>
        public long Missing { get; private set; }

        /// <summary>Why a certificate does not hold; null when it does.</summary>
        public static string CheckCertificate(SessionCertificate c, IEd25519 ed25519, byte[] serverKey, DateTime? utcNow)
        {
            byte[] message;
            try { message = SignedBytes.Of(c); }
            catch (ProtocolException error) { return error.Message; }
            if (serverKey != null && serverKey.Length > 0 && !Same(serverKey, c.ServerKey)) return "the certificate is of another server";
            if (!ed25519.Verify(c.ServerKey, message, c.Signature)) return "the certificate is not signed by the server's key";
            if (utcNow == null) return null;
            DateTime from, until;
            if (!Time(c.NotBefore, out from) || !Time(c.NotAfter, out until)) return "the certificate's times cannot be read";
            if (utcNow.Value < from || utcNow.Value > until) return "the certificate is not valid at this time";
            return null;
        }

        /// <summary>A frame came.</summary>
        public void Frame(uint sequence, ulong digest)
        {
            if (Problem != null) return;
            int at = (int)(sequence & (Memory - 1));
            Entry e = _frames[at];
            if (e.State == Known.Nothing || Wire.NewerSequence(sequence, e.Sequence))
            {
                _frames[at] = new Entry { Sequence = sequence, Digest = digest, State = Known.Waiting };
                return;
            }
            if (e.Sequence != sequence) return;   // so late that nothing is known of it
            if (e.Digest != digest) { Problem = "frame " + sequence + " came twice, or is not the one that was sealed"; return; }
            if (e.State != Known.Missing) return;
            _frames[at].State = Known.Verified;   // overtaken by its own seal
            Verified++; Lost--;
        }

        /// <summary>A seal came.</summary>
        public void Add(Seal seal)
        {
            if (Problem != null) return;
            byte[] message;
            try { message = SignedBytes.Of(seal); }
            catch (ProtocolException error) { Problem = error.Message; return; }
            bool follows = seal.Chunk == _next;
            if (seal.Avatar != _avatar) Problem = "the seal is of avatar " + seal.Avatar + ", not " + _avatar;
            else if (seal.Session != _certificate.Session) Problem = "the seal is of another session";
            else if (_next >= 0 && seal.Chunk < _next) Problem = "seal " + seal.Chunk + " came again, or out of order";
            else if (follows && !Same(seal.Previous, _link)) Problem = "seal " + seal.Chunk + " does not follow the one before it";
            else if (seal.Chunk == 0 && seal.Previous.Length > 0) Problem = "the first seal follows another one";
            else if ((++_unsigned >= _signatureEvery || !follows) && !Signed(seal, message))
                Problem = "seal " + seal.Chunk + " is not signed by the session's key";
            if (Problem != null) return;
            if (_next >= 0) Missing += seal.Chunk - _next;
            for (int k = 0; k * SignedBytes.DigestBytes < seal.Digests.Length && Problem == null; k++)
                Match(unchecked(seal.FirstSequence + (uint)k), FrameDigest.Read(seal.Digests, k * SignedBytes.DigestBytes));
            _next = (long)seal.Chunk + 1;
            _link = _digest.LinkOf(message);
        }

        private bool Signed(Seal seal, byte[] message)
        {
            _unsigned = 0;
            return _ed25519.Verify(_certificate.PublicKey, message, seal.Signature);
        }

        private void Match(uint sequence, ulong listed)
        {
            int at = (int)(sequence & (Memory - 1));
            Entry e = _frames[at];
            if (e.State != Known.Nothing && e.Sequence == sequence)
            {
                if (e.Digest != listed) { Problem = "frame " + sequence + " is not the one that was sealed"; return; }
                if (e.State == Known.Waiting) { _frames[at].State = Known.Verified; Verified++; }
                return;
            }
            Lost++;
            if (e.State == Known.Nothing || Wire.NewerSequence(sequence, e.Sequence))
                _frames[at] = new Entry { Sequence = sequence, Digest = listed, State = Known.Missing };
        }

        private static bool Same(byte[] a, byte[] b)
        {
            if (a.Length != b.Length) return false;
            for (int i = 0; i < a.Length; i++) if (a[i] != b[i]) return false;
            return true;
        }

        private static bool Time(string text, out DateTime time)
        {
            return DateTime.TryParse(text, CultureInfo.InvariantCulture,
                DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out time);
        }
    }
}
