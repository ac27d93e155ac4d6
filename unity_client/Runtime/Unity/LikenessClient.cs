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
        [Tooltip("Scene preset: study, mirror, classroom, museum, therapy.")]
        [SerializeField] private string scene = "mirror";
        [Tooltip("Join this room, by its id or its short code; empty: a new one.")]
        [SerializeField] private string room = "";
        [Tooltip("Only where the server asks for one.")]
        [SerializeField] private string token = "";
        [Tooltip("Your own name, shown to others.")]
        [SerializeField] private string displayName = "";
        [Tooltip("Connect when the scene starts.")]
        [SerializeField] private bool connectOnStart = true;
        [Tooltip("Stay connected when another scene is loaded.")]
        [SerializeField] private bool keepAcrossScenes;
        [Tooltip("Voice gathered before it is played, ms: more rides out a worse network.")]
        [Range(40, 400)] [SerializeField] private int voiceDelayMs = 80;
        [Tooltip("Makes an avatar for everyone who has none in the scene. Off: place LikenessAvatar components yourself.")]
        [SerializeField] private bool spawnAvatars = true;
        [Tooltip("How high above a seat's floor the eyes of an avatar rest, metres.")]
        [Range(0.8f, 2f)] [SerializeField] private float eyeHeight = 1.42f;
        [Tooltip("Avatars farther than this from the camera when they load use the server's lighter model, metres; 0: never.")]
        [Range(0, 20)] [SerializeField] private float farModelBeyond = 4f;
        [Tooltip("Check the server's seals: a stream that was changed on its way says so in its mark.")]
        [SerializeField] private bool checkSeals = true;
        [Tooltip("SHA-256 of the server's own certificate (hex), where no known authority signed it.")]
        [SerializeField] private string pinnedCertificate = "";

        // Survives a reload of the editor's scripts, which nothing else here does.
        [SerializeField, HideInInspector] private string resumeAfterReload = "";

        private const float Arc = 1.6f, SeatAngle = 0.42f;
        private readonly Dictionary<ushort, LikenessAvatar> _shown = new Dictionary<ushort, LikenessAvatar>();
        private readonly Dictionary<ushort, int> _places = new Dictionary<ushort, int>();
        private readonly List<LikenessAvatar> _placed = new List<LikenessAvatar>();
        private LikenessSession _session;
        private bool _centred;
        private Vector3 _restPosition;
        private Quaternion _restRotation = Quaternion.identity;

        /// <summary>The session; null before <see cref="Connect"/>.</summary>
        public LikenessSession Session { get { return _session; } }
        public SessionState State { get { return _session != null ? _session.State : SessionState.Idle; } }
        public string ServerUrl { get { return serverUrl; } set { serverUrl = value; } }
        public string Character { get { return character; } set { character = value; } }
        public string Scene { get { return scene; } set { scene = value; } }
        public string Room { get { return room; } set { room = value; } }
        public string Token { get { return token; } set { token = value; } }
        public string DisplayName { get { return displayName; } set { displayName = value; } }
        public string PinnedCertificate { get { return pinnedCertificate; } set { pinnedCertificate = value; } }
        /// <summary>Who is in the room; null until the server tells.</summary>
        public RoomState People { get { return _session != null ? _session.Room : null; } }
        /// <summary>Makes the connections: null for WebSockets; the gRPC and WebRTC components set it.</summary>
        public Func<ITransport> Transport { get; set; }

        public event Action<SessionState, string> StateChanged;
        public event Action<AvatarStream> AvatarJoined;
        public event Action<AvatarStream, string> AvatarLeft;
        public event Action<SpeechState> Speech;
        public event Action<Notice> Noticed;
        public event Action<RoomState> RoomChanged;

        /// <summary>Local seconds that frames and voice share: smooth, unlike the audio engine's own.</summary>
        public static double Now { get { return Time.realtimeSinceStartupAsDouble; } }

        private void OnEnable()
        {
#if UNITY_EDITOR
            UnityEditor.AssemblyReloadEvents.beforeAssemblyReload += BeforeReload;
#endif
            if (_session != null || resumeAfterReload == "") return;
            string resume = resumeAfterReload;
            resumeAfterReload = "";
            Begin(resume);
        }

        private void OnDisable()
        {
#if UNITY_EDITOR
            UnityEditor.AssemblyReloadEvents.beforeAssemblyReload -= BeforeReload;
#endif
        }

        private void Start()
        {
            if (keepAcrossScenes) DontDestroyOnLoad(gameObject);
            if (connectOnStart && _session == null) Connect();
        }

        /// <summary>Connects with the settings above; a running session is closed first.</summary>
        public void Connect() { Begin(""); }

        /// <summary>Ends the session; the server closes it in its ledger.</summary>
        public void Disconnect()
        {
            if (_session == null) return;
            LikenessSession ending = _session;
            _session = null;
            ending.Dispose();
            foreach (AvatarStream stream in ending.Avatars.Values) OnLeft(stream, "the session ended");
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

        /// <summary>
        /// For those whose token allows it: mute, freeze, give the floor, remove. The server says in a notice when it
        /// does not obey, and tells everybody's new state with <see cref="RoomChanged"/>.
        /// </summary>
        public void Moderate(ModerateAct act, ushort avatar = 0, string reason = "") { if (_session != null) _session.Moderate(act, avatar, reason); }

        /// <summary>A lasting expression of the own character: joy, sadness, anger, fear, surprise, disgust, calm; 0 clears it.</summary>
        public void SetEmotion(string emotion, float weight) { if (_session != null) _session.SetEmotion(emotion, weight); }

        /// <summary>The avatar that shows a performer; null while there is none.</summary>
        public LikenessAvatar AvatarOf(ushort avatar)
        {
            LikenessAvatar found;
            return _shown.TryGetValue(avatar, out found) ? found : null;
        }

        /// <summary>Takes a head's place and heading as the person's rest from now on.</summary>
        public void Recenter(Transform head)
        {
            _restPosition = head.position;
            _restRotation = Quaternion.Euler(0, head.eulerAngles.y, 0);
            _centred = true;
        }

        /// <summary>
        /// A transform of the person's, seen from where their head rests: what the server takes as a place in their
        /// own seat. The first call of a session is with the head, and takes it as the rest.
        /// </summary>
        public void FromRest(Transform at, out Vector3 position, out Quaternion rotation)
        {
            if (!_centred) Recenter(at);
            Quaternion back = Quaternion.Inverse(_restRotation);
            position = back * (at.position - _restPosition);
            rotation = back * at.rotation;
        }

        internal bool ShouldUseFarModel(Vector3 place)
        {
            Camera view = Camera.main;
            return farModelBeyond > 0 && view != null && (view.transform.position - place).magnitude > farModelBeyond;
        }

        /// <summary>An avatar of the scene asks for its performer.</summary>
        internal void Place(LikenessAvatar avatar)
        {
            if (!_placed.Contains(avatar)) _placed.Add(avatar);
            if (_session == null) return;
            foreach (AvatarStream stream in _session.Avatars.Values)
            {
                if (!avatar.Wants(stream.Header)) continue;
                LikenessAvatar other = AvatarOf(stream.Header.Avatar);
                if (other == avatar) return;
                if (other != null) Unshow(stream);
                Show(stream, avatar);
                return;
            }
        }

        internal void Unplace(LikenessAvatar avatar) { _placed.Remove(avatar); }

        private void Begin(string resume)
        {
            Uri server;
            if (!Uri.TryCreate(serverUrl, UriKind.Absolute, out server) || (server.Scheme != "http" && server.Scheme != "https"))
            {
                Debug.LogError("Likeness: '" + serverUrl + "' is no address; write one like http://localhost:8080", this);
                return;
            }
            Disconnect();
            Func<ITransport> transport = Transport;
            if (transport == null)
            {
                string pin = pinnedCertificate;
                try { if (pin != "") WebSocketTransport.Fingerprint(pin); }
                catch (ArgumentException error) { Debug.LogError("Likeness: " + error.Message, this); return; }
                transport = () => new WebSocketTransport(pin);
            }
            _centred = false;
            _session = new LikenessSession(transport, voiceDelayMs, checkSeals ? new Ed25519() : null);
            _session.StateChanged += OnState;
            _session.AvatarJoined += OnJoined;
            _session.AvatarLeft += OnLeft;
            _session.SeatChanged += OnSeat;
            _session.SealBroken += (stream, why) => Debug.LogError("Likeness: the stream of " + stream.Header.Name + " is not what the server sealed: " + why, this);
            _session.Speech += s => { if (Speech != null) Speech(s); };
            _session.Noticed += OnNotice;
            _session.RoomChanged += r => { if (RoomChanged != null) RoomChanged(r); };
            _session.Connect(server, character, scene, room, token, displayName, resume);
        }

        private void Update() { if (_session != null) _session.Poll(Now); }

        private void OnDestroy() { Disconnect(); }

        private void OnApplicationPause(bool paused)
        {
            if (_session == null) return;
            if (paused) _session.Suspend(); else _session.Resume();
        }

        private void BeforeReload()
        {
            if (_session == null) return;
            resumeAfterReload = _session.ResumeToken;
            foreach (LikenessAvatar avatar in _shown.Values)
            {
                if (avatar == null) continue;
                if (avatar.Spawned) DestroyImmediate(avatar.transform.parent.gameObject); else avatar.Unbind(true);
            }
            _shown.Clear();
            _places.Clear();
            _session.Detach();
            _session = null;
        }

        private void OnState(SessionState state, string why)
        {
            if (state == SessionState.Waiting) Debug.LogWarning("Likeness: " + why, this);
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
            LikenessAvatar avatar = _placed.Find(a => a != null && a.Stream == null && a.Wants(stream.Header));
            if (avatar == null && spawnAvatars)
            {
                var go = new GameObject(stream.Header.Name);
                go.transform.SetParent(MakeSeat(stream), false);
                go.SetActive(false);   // it must know that it is ours before it wakes and looks for a performer
                avatar = go.AddComponent<LikenessAvatar>();
                avatar.Spawned = true;
                go.SetActive(true);
            }
            if (avatar != null) Show(stream, avatar);
            if (AvatarJoined != null) AvatarJoined(stream);
        }

        private void Show(AvatarStream stream, LikenessAvatar avatar)
        {
            _shown[stream.Header.Avatar] = avatar;
            avatar.Bind(this, stream);
        }

        private void Unshow(AvatarStream stream)
        {
            LikenessAvatar avatar;
            if (!_shown.TryGetValue(stream.Header.Avatar, out avatar)) return;
            _shown.Remove(stream.Header.Avatar);
            _places.Remove(stream.Header.Avatar);
            if (avatar == null) return;
            if (avatar.Spawned) Destroy(avatar.transform.parent.gameObject);
            else avatar.Unbind();
        }

        private void OnLeft(AvatarStream stream, string reason)
        {
            Unshow(stream);
            if (AvatarLeft != null) AvatarLeft(stream, reason);
        }

        private void OnSeat(AvatarStream stream)
        {
            LikenessAvatar avatar = AvatarOf(stream.Header.Avatar);
            if (avatar != null && avatar.Spawned) Seat(avatar.transform.parent, stream);
        }

        private Transform MakeSeat(AvatarStream stream)
        {
            var seat = new GameObject("Seat of " + stream.Header.Name).transform;
            seat.SetParent(transform, false);
            Seat(seat, stream);
            return seat;
        }

        /// <summary>The room's place for a performer; where it gives none, one on an arc: the middle, then the sides in turn.</summary>
        private void Seat(Transform seat, AvatarStream stream)
        {
            Likeness.Seat given = stream.Header.Seat;
            if (given != null)
            {
                seat.localPosition = UnityFrame.Position(given.Position) + new Vector3(0, eyeHeight, 0);
                seat.localRotation = UnityFrame.Rotation(new Float3(0, given.Yaw, 0));
                return;
            }
            int place = 0;
            while (_places.ContainsValue(place)) place++;
            _places[stream.Header.Avatar] = place;
            float angle = (place % 2 == 1 ? 1 : -1) * (place + 1) / 2 * SeatAngle;
            seat.localPosition = new Vector3(Arc * Mathf.Sin(angle), eyeHeight, Arc * (1 - Mathf.Cos(angle)));
            seat.localRotation = Quaternion.Euler(0, -angle * Mathf.Rad2Deg, 0);
        }
    }
}
