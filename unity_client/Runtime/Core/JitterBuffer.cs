using System;

namespace Likeness
{
    /// <summary>
    /// The frames of one avatar by media sample, and the face at any sample: interpolated where frames lie on
    /// both sides, held for 150 ms after the newest, then eased to rest, so that a lost stream never leaves an
    /// open mouth. Not thread-safe. Allocates only when constructed.
    /// </summary>
    public sealed class JitterBuffer
    {
        public const int HoldSamples = 150 * Wire.SampleRate / 1000;
        public const int EaseSamples = 250 * Wire.SampleRate / 1000;
        private readonly FlamePose[] _ring;
        private int _count;            // poses in order of sample: _ring[0.._count)
        private ushort _epoch;
        private bool _any;
        private uint _newest;

        public JitterBuffer(int capacity = 32)
        {
            if (capacity < 4) throw new ArgumentOutOfRangeException("capacity");
            _ring = new FlamePose[capacity];
            for (int i = 0; i < capacity; i++) _ring[i] = new FlamePose();
        }

        public int Count { get { return _count; } }
        public ushort Epoch { get { return _epoch; } }
        public long NewestSample { get { return _count > 0 ? _ring[_count - 1].Sample : 0; } }
        /// <summary>Frames that came too late, twice, or of an older epoch.</summary>
        public long Dropped { get; private set; }
        public long Received { get; private set; }
        /// <summary>Sequence numbers that never came, as far as known.</summary>
        public long Lost { get; private set; }

        /// <summary>Decodes the frame at <paramref name="offset"/> and keeps it; false when it is not usable.</summary>
        public bool TryAdd(byte[] data, int offset, int end, float[] scales, out int size)
        {
            FlamePose slot = _count < _ring.Length ? _ring[_count] : _ring[0];
            // Decode in place: into the free slot, or over the oldest.
            if (!PacketDecoder.TryDecode(data, offset, end, scales, slot, out size)) return false;
            bool full = _count == _ring.Length;
            if (full)
            {
                for (int i = 0; i + 1 < _count; i++) _ring[i] = _ring[i + 1];
                _count--;
                _ring[_count] = slot;
            }
            Received++;
            if (_any && slot.Epoch != _epoch)
            {
                if (!Wire.NewerEpoch(slot.Epoch, _epoch)) { Dropped++; return true; }
                Stop(slot.Epoch);
                // Stop emptied the ring; the new frame moves to its front.
                int at = Array.IndexOf(_ring, slot);
                _ring[at] = _ring[0]; _ring[0] = slot;
            }
            if (!_any) { _any = true; _epoch = slot.Epoch; _newest = slot.Sequence; }
            else if (Wire.NewerSequence(slot.Sequence, _newest))
            {
                Lost += (int)(slot.Sequence - _newest) - 1;
                _newest = slot.Sequence;
            }
            else if (Lost > 0) Lost--;   // a late one fills a gap counted before
            int place = _count;
            while (place > 0 && _ring[place - 1].Sample > slot.Sample) place--;
            if (place > 0 && _ring[place - 1].Sample == slot.Sample) { Dropped++; return true; }
            for (int i = _count; i > place; i--) _ring[i] = _ring[i - 1];
            _ring[place] = slot;
            _count++;
            return true;
        }

        /// <summary>Stop locally, before the server has heard of it: frames of older epochs are dropped from now on.</summary>
        public void Stop(ushort epoch)
        {
            _epoch = epoch;
            _any = true;
            _count = 0;
        }

        /// <summary>The face at a media sample. False (and <paramref name="into"/> untouched) before the first frame.</summary>
        public bool TryGet(double sample, FlamePose into)
        {
            if (_count == 0) return false;
            // Forget what lies more than one frame behind, but keep the newest.
            int first = 0;
            while (first + 1 < _count && _ring[first + 1].Sample <= sample) first++;
            if (first > 0)
            {
                for (int n = 0; n < first; n++) Rotate();
            }
            FlamePose a = _ring[0];
            if (_count > 1 && sample >= a.Sample)
            {
                FlamePose b = _ring[1];
                float t = (float)((sample - a.Sample) / (b.Sample - a.Sample));
                into.Interpolate(a, b, Math.Max(0f, Math.Min(1f, t)));
                return true;
            }
            into.CopyFrom(a);
            double late = sample - a.Sample;
            if (late > HoldSamples)
            {
                double u = Math.Min(1, (late - HoldSamples) / EaseSamples);
                into.Ease((float)((1 - u) * (1 - u) * (1 + 2 * u)));
            }
            return true;
        }

        public void Clear() { _count = 0; _any = false; Lost = Received = Dropped = 0; }

        private void Rotate()
        {
            FlamePose oldest = _ring[0];
            for (int i = 0; i + 1 < _count; i++) _ring[i] = _ring[i + 1];
            _count--;
            // The freed pose goes where the next one will be written.
            _ring[_count] = oldest;
        }
    }
}
