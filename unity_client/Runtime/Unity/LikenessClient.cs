using System;
using System.Collections.Generic;
using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// The connection to a Likeness server: one per scene. It reconnects and resumes by itself, and makes an
    /// avatar for everyone in the room. All events are raised on the main thread.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness Client")]
    [DefaultExecutionOrder(-100)]
    [DisallowMultipleComponent]
    public sealed class LikenessClient : MonoBehaviour
    {
        [Tooltip("Where the server runs: what `likeness serve` printed.")]
        [SerializeField] private string serverUrl = "http://localhost:8080";
        [Tooltip("Whom to embody or meet; empty: watch only. `likeness characters list` names the cast.")]
        [SerializeField] private string character = "einstein";
        [Tooltip("Scene preset: study, mirror, classroom, museum.")]
        [SerializeField] private string scene = "mirror";
        [Tooltip("Join this room; empty: a new one.")]
        [SerializeField] private string room = "";
        [Tooltip("Only where the server asks for one.")]
        [SerializeField] private string token = "";
        [Tooltip("Your own name, shown to others.")]
        [SerializeField] private string displayName = "";
        [Tooltip("Connect when the scene starts.")]
        [SerializeField] private bool connectOnStart = true;
        [Tooltip("Voice gathered before it is played, ms: more rides out a worse network.")]
        [Range(40, 400)] [SerializeField] private int voiceDelayMs = 80;
        [Tooltip("Makes an avatar for everyone in the room. Off: place LikenessAvatar components yourself.")]
        [SerializeField] private bool spawnAvatars = true;

        private const float Arc = 1.6f, SeatAngle = 0.42f;
        private LikenessSession _session;

        /// <summary>The session; null before <see cref="Connect"/>.</summary>
        public LikenessSession Session { get { return _session; } }
        public SessionState State { get { return _session != null ? _session.State : SessionState.Idle; } }
        public string ServerUrl { get { return serverUrl; } set { serverUrl = value; } }
        public string Character { get { return character; } set { character = value; } }
        public string Scene { get { return scene; } set { scene = value; } }
        public string Room { get { return room; } set { room = value; } }
        public string Token { get { return token; } set { token = value; } }

        public event Action<SessionState, string> StateChanged;
        public event Action<AvatarStream> AvatarJoined;
        public event Action<AvatarStream, string> AvatarLeft;
        public event Action<SpeechState> Speech;
        public event Action<Notice> Noticed;

        private readonly Dictionary<ushort, LikenessAvatar> _spawned = new Dictionary<ushort, LikenessAvatar>();

        /// <summary>Local seconds that frames and voice share.</summary>
        public static double Now { get { return AudioSettings.dspTime; } }

        private void Start() { if (connectOnStart) Connect(); }

        /// <summary>Connects with the settings above; a running session is closed first.</summary>
        public void Connect()
        {
            Uri server;
            if (!Uri.TryCreate(serverUrl, UriKind.Absolute, out server) || (server.Scheme != "http" && server.Scheme != "https"))
            {
                Debug.LogError("Likeness: '" + serverUrl + "' is no address; write one like http://localhost:8080", this);
                return;
            }
            Disconnect();
            _session = new LikenessSession(null, voiceDelayMs);
            _session.StateChanged += OnState;
            _session.AvatarJoined += OnJoined;
            _session.AvatarLeft += OnLeft;
            _session.Speech += s => { if (Speech != null) Speech(s); };
            _session.Noticed += OnNotice;
            _session.Connect(server, character, scene, room, token, displayName);
        }

        /// <summary>Ends the session; the server closes it in its ledger.</summary>
        public void Disconnect()
        {
            if (_session == null) return;
            _session.Dispose();
            _session = null;
            foreach (LikenessAvatar avatar in _spawned.Values) if (avatar != null) Destroy(avatar.transform.parent.gameObject);
            _spawned.Clear();
        }

        /// <summary>The own character says a text.</summary>
        public void Say(string text) { if (_session != null) _session.Say(text); }

        /// <summary>Silence at once.</summary>
        public void Stop() { if (_session != null) _session.Stop(); }

        /// <summary>Embodies another character from now on: a new session, as the ledger wants it.</summary>
        public void ChangeCharacter(string id)
        {
            character = id;
            if (_session != null) Connect();
        }

        private void Update() { if (_session != null) _session.Poll(Now); }
        private void OnDestroy() { Disconnect(); }
        private void OnApplicationPause(bool paused)
        {
            if (_session == null) return;
            if (paused) _session.Suspend(); else _session.Resume();
        }

        private void OnState(SessionState state, string why)
        {
            if (state == SessionState.Waiting || state == SessionState.Ended) Debug.LogWarning("Likeness: " + why, this);
            if (StateChanged != null) StateChanged(state, why);
        }

        private void OnNotice(Notice notice)
        {
            if (notice.Level == NoticeLevel.Error) Debug.LogError("Likeness: " + notice.Text, this);
            else if (notice.Level == NoticeLevel.Warning) Debug.LogWarning("Likeness: " + notice.Text, this);
            if (Noticed != null) Noticed(notice);
        }

        private void OnJoined(AvatarStream stream)
        {
            if (spawnAvatars)
            {
                var go = new GameObject(stream.Header.Name);
                go.transform.SetParent(Seat(stream.Header.Name), false);
                var avatar = go.AddComponent<LikenessAvatar>();
                avatar.Bind(this, stream);
                _spawned[stream.Header.Avatar] = avatar;
            }
            if (AvatarJoined != null) AvatarJoined(stream);
        }

        /// <summary>A place on an arc around who stands before the room: the middle, then one to each side.</summary>
        private Transform Seat(string label)
        {
            int i = _spawned.Count;
            float angle = (i % 2 == 1 ? 1 : -1) * (i + 1) / 2 * SeatAngle;
            var seat = new GameObject("Seat of " + label).transform;
            seat.SetParent(transform, false);
            seat.localPosition = new Vector3(Arc * Mathf.Sin(angle), 0, Arc * (1 - Mathf.Cos(angle)));
            seat.localRotation = Quaternion.Euler(0, -angle * Mathf.Rad2Deg, 0);
            return seat;
        }

        private void OnLeft(AvatarStream stream, string reason)
        {
            LikenessAvatar avatar;
            if (_spawned.TryGetValue(stream.Header.Avatar, out avatar))
            {
                _spawned.Remove(stream.Header.Avatar);
                if (avatar != null) Destroy(avatar.transform.parent.gameObject);
            }
            if (AvatarLeft != null) AvatarLeft(stream, reason);
        }
    }
}
