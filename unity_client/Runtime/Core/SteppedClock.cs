using System;

namespace Likeness
{
    /// <summary>
    /// Ties a clock that moves in steps (an audio engine's, once for each buffer) to a smooth one. A stepped clock
    /// is never ahead of its true time, so the largest difference seen is the right one; it is let sink by
    /// 0.2 ms a second, so that two clocks that drift stay tied.
    /// </summary>
    public sealed class SteppedClock
    {
        private const double SinkPerSecond = 2e-4;
        private const double JumpSeconds = 0.25;
        private double _offset, _at;
        private bool _set;

        /// <summary>Both clocks, read one after the other; call it every picture.</summary>
        public void Observe(double stepped, double smooth)
        {
            double seen = stepped - smooth;
            double sunk = _offset - SinkPerSecond * Math.Max(0, smooth - _at);
            // Far below: the audio device was changed or slept.
            _offset = !_set || seen > sunk || seen < sunk - JumpSeconds ? seen : sunk;
            _at = smooth;
            _set = true;
        }

        /// <summary>The smooth clock's time of a time of the stepped one.</summary>
        public double ToSmooth(double stepped) { return stepped - _offset; }
    }
}
