using System;

namespace Likeness
{
    /// <summary>
    /// Which media sample (48 kHz) is being heard now. The voice sets it: "at local time t, sample s left the
    /// loudspeaker". Between reports it runs on; small errors are steered away at no more than 0.5 %, jumps
    /// over 100 ms are taken at once. Without a voice the newest frame sets it, minus a delay.
    /// </summary>
    public sealed class MediaClock
    {
        private const double JumpSeconds = 0.1;
        private const double SteerPerSecond = 0.005;
        private double _localAnchor, _sampleAnchor;
        private bool _set;

        public bool IsSet { get { return _set; } }

        /// <summary>Local seconds (any monotonic origin) and the sample that is heard then.</summary>
        public void Report(double localSeconds, double sample)
        {
            if (!_set)
            {
                _localAnchor = localSeconds; _sampleAnchor = sample; _set = true;
                return;
            }
            double now = Sample(localSeconds);
            double error = sample - now;
            double elapsed = Math.Max(0, localSeconds - _localAnchor);
            double limit = SteerPerSecond * Wire.SampleRate * elapsed;
            _localAnchor = localSeconds;
            if (Math.Abs(error) > JumpSeconds * Wire.SampleRate) _sampleAnchor = sample;
            else _sampleAnchor = now + Math.Max(-limit, Math.Min(limit, error));
        }

        /// <summary>The sample heard at a local time.</summary>
        public double Sample(double localSeconds)
        {
            return _sampleAnchor + (localSeconds - _localAnchor) * Wire.SampleRate;
        }

        public void Reset() { _set = false; }
    }
}
