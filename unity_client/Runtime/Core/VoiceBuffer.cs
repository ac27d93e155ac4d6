using System;

namespace Likeness
{
    /// <summary>
    /// One avatar's voice by media sample, filled by the network thread and read by the audio thread. It starts
    /// to play when it holds the wanted delay, plays silence over gaps, and says which media sample goes out,
    /// which is what the face follows.
    /// </summary>
    public sealed class VoiceBuffer
    {
        private readonly short[] _ring;
        private readonly object _gate = new object();
        private readonly int _delay;
        private readonly int _slack;
        private long _newest = -1;      // one past the last sample written
        private long _next;             // the next media sample to play
        private bool _playing;

        /// <param name="delayMs">How much voice is gathered before it plays: covers the network's jitter.</param>
        public VoiceBuffer(int delayMs = 80, int capacityMs = 2000)
        {
            if (delayMs <= 0 || capacityMs < 4 * delayMs) throw new ArgumentOutOfRangeException("delayMs");
            _ring = new short[capacityMs * (Wire.SampleRate / 1000)];
            _delay = delayMs * (Wire.SampleRate / 1000);
            _slack = 2 * _delay;
        }

        /// <summary>Times that the reader found no voice where some belonged.</summary>
        public long Underruns { get; private set; }

        /// <summary>Counts the places where what plays does not follow what played before: starts, and leaps to catch up.</summary>
        public int Breaks { get; private set; }

        /// <summary>Adds PCM16 bytes (little-endian, mono, 48 kHz) that start at a media sample.</summary>
        public void Write(long sample, byte[] data, int offset, int count)
        {
            int n = count / 2;
            if (n <= 0 || n > _ring.Length) return;
            lock (_gate)
            {
                if (_newest >= 0 && (sample < _newest - _ring.Length || sample > _newest + _ring.Length))
                {
                    // Another clock: a resumed or restarted performer.
                    _playing = false; _newest = -1;
                }
                if (_newest < 0) { Array.Clear(_ring, 0, _ring.Length); _newest = sample; _next = sample; }
                for (long s = _newest; s < sample; s++) _ring[Slot(s)] = 0;
                for (int i = 0; i < n; i++)
                    _ring[Slot(sample + i)] = (short)(data[offset + 2 * i] | (data[offset + 2 * i + 1] << 8));
                _newest = Math.Max(_newest, sample + n);
                if (!_playing && _newest - _next >= _delay)
                {
                    _playing = true;
                    _next = _newest - _delay;
                    Breaks++;
                }
            }
        }

        /// <summary>
        /// Fills <paramref name="into"/> with the next mono samples (-1..1) and returns the media sample of the
        /// first; -1 while nothing plays (then it is silence).
        /// </summary>
        public long Read(float[] into, int offset, int count)
        {
            int breaks;
            return Read(into, offset, count, out breaks);
        }

        /// <summary>The same, with the number of <see cref="Breaks"/> up to these samples.</summary>
        public long Read(float[] into, int offset, int count, out int breaks)
        {
            lock (_gate)
            {
                breaks = Breaks;
                if (!_playing)
                {
                    Array.Clear(into, offset, count);
                    return -1;
                }
                if (_newest - _next > _delay + _slack) { _next = _newest - _delay; breaks = ++Breaks; }   // far behind: catch up
                long first = _next;
                for (int i = 0; i < count; i++, _next++)
                    into[offset + i] = _next < _newest ? _ring[Slot(_next)] / 32768f : 0f;
                if (_next > _newest)
                {
                    Underruns++;
                    _playing = false;
                    _next = _newest;
                }
                return first;
            }
        }

        /// <summary>Silence at once, until new voice has gathered: the local half of a stop.</summary>
        public void Cut()
        {
            lock (_gate) { _playing = false; if (_newest >= 0) _next = _newest; }
        }

        private int Slot(long sample) { return (int)(sample % _ring.Length); }
    }
}
