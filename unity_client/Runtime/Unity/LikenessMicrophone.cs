using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// Sends the microphone to the server, where the voice drives the own character's face and goes to the
    /// others in the room. Nothing is recorded unless the room's host has said so.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness Microphone")]
    [DisallowMultipleComponent]
    public sealed class LikenessMicrophone : MonoBehaviour
    {
        [Tooltip("The connection. Empty: the one in the scene.")]
        [SerializeField] private LikenessClient client;
        [Tooltip("Empty: the system's default.")]
        [SerializeField] private string device = "";
        [Tooltip("Open when the session opens. Off: call Open and Close, for push-to-talk.")]
        [SerializeField] private bool openOnConnect;
        [Tooltip("Hear the own voice back, in time with the face.")]
        [SerializeField] private bool hearSelf;

        private const int BufferSeconds = 2;
        private AudioClip _clip;
        private int _read;
        private float[] _floats = new float[960];
        private short[] _pcm = new short[960];
        private long _sample;
        private double _fraction;
        private bool _reopen;

        public bool IsOpen { get { return _clip != null; } }

        private void OnEnable()
        {
            if (client == null) client = FindAnyObjectByType<LikenessClient>();
            if (client != null) client.StateChanged += OnState;
        }

        private void OnDisable()
        {
            Close();
            if (client != null) client.StateChanged -= OnState;
        }

        private void OnState(SessionState state, string why)
        {
            if (state == SessionState.Open && (openOnConnect || IsOpen)) Announce(true);
            if (state == SessionState.Open && openOnConnect && !IsOpen) Open();
        }

        /// <summary>Starts to listen; false, with a sentence in the log, when there is no microphone.</summary>
        public bool Open()
        {
            if (IsOpen) return true;
#if UNITY_ANDROID && !UNITY_EDITOR
            if (!UnityEngine.Android.Permission.HasUserAuthorizedPermission(UnityEngine.Android.Permission.Microphone))
            {
                UnityEngine.Android.Permission.RequestUserPermission(UnityEngine.Android.Permission.Microphone);
                Debug.LogWarning("Likeness: asked for the microphone; open it again when it was allowed.", this);
                return false;
            }
#endif
            if (Microphone.devices.Length == 0)
            {
                Debug.LogError("Likeness: no microphone; connect one, or allow this app to use it in the system's settings.", this);
                return false;
            }
            _clip = Microphone.Start(device == "" ? null : device, true, BufferSeconds, Wire.SampleRate);
            if (_clip == null)
            {
                Debug.LogError("Likeness: the microphone could not be opened; is another program using it?", this);
                return false;
            }
            _read = 0;
            Announce(true);
            return true;
        }

        public void Close()
        {
            if (!IsOpen) return;
            Microphone.End(device == "" ? null : device);
            _clip = null;
            Announce(false);
        }

        private void OnApplicationPause(bool paused)
        {
            // The system takes the microphone from a sleeping app.
            if (paused) { _reopen = IsOpen; Close(); }
            else if (_reopen) { _reopen = false; Open(); }
        }

        private void Announce(bool open) { if (client != null && client.Session != null) client.Session.OpenMicrophone(open, hearSelf); }

        private void Update()
        {
            if (!IsOpen || client == null || client.Session == null || client.State != SessionState.Open) return;
            int written = Microphone.GetPosition(device == "" ? null : device);
            int ready = (written - _read + _clip.samples) % _clip.samples;
            // 20 ms blocks at the device's own rate, brought to 48 kHz by linear interpolation where they differ.
            double step = _clip.frequency / (double)Wire.SampleRate;
            int block = (int)(_pcm.Length * step + _fraction);
            while (ready > block)
            {
                if (_floats.Length != block + 1) _floats = new float[block + 1];
                _clip.GetData(_floats, _read);
                for (int i = 0; i < _pcm.Length; i++)
                {
                    double p = i * step;
                    int k = Mathf.Min((int)p, block - 1);
                    float t = (float)(p - k);
                    float v = _floats[k] + (_floats[k + 1] - _floats[k]) * t;
                    _pcm[i] = (short)(Mathf.Clamp(v, -1f, 1f) * 32767f);
                }
                client.Session.SendVoice(_sample, _pcm, 0, _pcm.Length);
                _sample += _pcm.Length;
                _fraction = _pcm.Length * step + _fraction - block;
                _read = (_read + block) % _clip.samples;
                ready -= block;
                block = (int)(_pcm.Length * step + _fraction);
            }
        }
    }
}
