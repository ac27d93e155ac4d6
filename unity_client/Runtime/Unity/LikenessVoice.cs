using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// Plays a performer's voice from the place of its avatar, and tells the media clock which sample is heard:
    /// the face follows the sound, never the other way round.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness Voice")]
    [RequireComponent(typeof(AudioSource))]
    [DisallowMultipleComponent]
    public sealed class LikenessVoice : MonoBehaviour
    {
        [Tooltip("Sound that leaves the buffer now is heard this much later, ms (headset and driver).")]
        [Range(0, 200)] [SerializeField] private int outputLatencyMs = 20;

        private AvatarStream _stream;
        private AudioSource _source;
        private float[] _mono = new float[4096];
        private double _step = 1;             // media samples per output sample
        private double _fraction;
        private volatile bool _ready;
        private double _heardAt;
        private double _heardSample;
        private int _heardBreaks;
        private volatile bool _heard;
        private readonly object _gate = new object();
        private readonly SteppedClock _dsp = new SteppedClock();

        internal void Bind(AvatarStream stream)
        {
            _ready = false;
            _stream = stream;
            _heard = false;
            _source = GetComponent<AudioSource>();
            _source.spatialBlend = 1f;
            _source.loop = true;
            _source.dopplerLevel = 0f;
            // A playing source is needed for OnAudioFilterRead to be called with spatialisation.
            int rate = AudioSettings.outputSampleRate;
            _step = Wire.SampleRate / (double)rate;
            _source.clip = AudioClip.Create("Likeness voice", rate, 1, rate, false);
            _source.Play();
            _ready = true;
        }

        internal void Unbind()
        {
            _ready = false;
            _stream = null;
            if (_source != null) _source.Stop();
        }

        private void OnEnable() { AudioSettings.OnAudioConfigurationChanged += Restart; }
        private void OnDisable() { AudioSettings.OnAudioConfigurationChanged -= Restart; }

        /// <summary>Headphones were plugged in: another rate, and every source has stopped.</summary>
        private void Restart(bool deviceChanged) { if (_stream != null) Bind(_stream); }

        private void Update()
        {
            // The audio engine's clock moves once a buffer; the face is drawn by a smooth one.
            _dsp.Observe(AudioSettings.dspTime, LikenessClient.Now);
            if (!_heard || _stream == null) return;
            double at, sample;
            int breaks;
            lock (_gate) { at = _heardAt; sample = _heardSample; breaks = _heardBreaks; _heard = false; }
            _stream.ReportHeard(_dsp.ToSmooth(at) + outputLatencyMs / 1000.0, sample, breaks);
        }

        // Runs on the audio thread.
        private void OnAudioFilterRead(float[] data, int channels)
        {
            AvatarStream stream = _stream;
            if (!_ready || stream == null) return;
            int frames = data.Length / channels;
            int need = (int)(frames * _step + _fraction) + 2;
            if (need > _mono.Length) _mono = new float[need * 2];
            int take = (int)(frames * _step + _fraction);
            int breaks;
            long first = stream.Voice.Read(_mono, 0, take, out breaks);
            double position = 0;
            for (int i = 0; i < frames; i++, position += _step)
            {
                int k = (int)position;
                float t = (float)(position - k);
                float a = k < take ? _mono[k] : 0f;
                float b = k + 1 < take ? _mono[k + 1] : a;
                float v = first < 0 ? 0f : a + (b - a) * t;
                for (int c = 0; c < channels; c++) data[i * channels + c] = v;
            }
            _fraction = frames * _step + _fraction - take;
            if (first < 0) return;
            lock (_gate)
            {
                _heardAt = AudioSettings.dspTime;
                _heardSample = first;
                _heardBreaks = breaks;
                _heard = true;
            }
        }
    }
}
