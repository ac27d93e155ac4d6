using System;
using System.Threading.Tasks;
using GLTFast;
using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// One performer in the scene: loads its .glb with glTFast (or drives a head that you give it), draws the face
    /// of the sample that is being heard, and carries its mark. Its origin is where the head rests, between the
    /// eyes. Drag it into a scene, or let <see cref="LikenessClient"/> make one for everyone.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness Avatar")]
    [DisallowMultipleComponent]
    public sealed class LikenessAvatar : MonoBehaviour
    {
        [Tooltip("The connection. Empty: the one in the scene.")]
        [SerializeField] private LikenessClient client;
        [Tooltip("Whose face this is: a character's id, or empty for the own one.")]
        [SerializeField] private string shows = "";
        [Tooltip("A head of your own in the scene, with ARKit-named blend shapes, instead of the character's model.")]
        [SerializeField] private Transform head;
        [Tooltip("Follow the head's movement around its seat. Off: only the neck and the face move.")]
        [SerializeField] private bool moveWithRoom = true;
        [Tooltip("Play this performer's voice here.")]
        [SerializeField] private bool playVoice = true;
        [SerializeField, HideInInspector] private bool spawned;

        private readonly FlamePose _pose = new FlamePose();
        private AvatarStream _stream;
        private FaceBinding _face;
        private GeneratedMark _mark;
        private LikenessVoice _voice;
        private GameObject _model;
        private GltfImport _import;
        private HandShape _left, _right;
        private int _loading;

        public AvatarStream Stream { get { return _stream; } }
        public bool Loaded { get { return _face != null; } }
        /// <summary>How many of the stream's components found a blend shape; 0 before the model is there.</summary>
        public int BoundComponents { get { return _face != null ? _face.Bound : 0; } }
        /// <summary>Why the avatar is not drawn, in words; empty while it is.</summary>
        public string Problem { get; private set; }
        public event Action<LikenessAvatar> LoadedModel;

        /// <summary>Made by the client, which also takes it away again.</summary>
        internal bool Spawned { get { return spawned; } set { spawned = value; } }

        internal bool Wants(StreamHeader header) { return shows == "" ? header.Self : header.Character == shows; }

        /// <summary>Shows this performer from now on.</summary>
        public void Bind(LikenessClient owner, AvatarStream stream)
        {
            Unbind();
            client = owner;
            _stream = stream;
            _mark = GeneratedMark.Ensure(this);
            if (playVoice)
            {
                _voice = GetComponent<LikenessVoice>();
                if (_voice == null) _voice = gameObject.AddComponent<LikenessVoice>();
                _voice.Bind(stream);
            }
            if (head != null)
            {
                _model = head.gameObject;
                Take(head, true);
            }
            else Load();
        }

        /// <summary>Shows nobody from now on.</summary>
        public void Unbind() { Unbind(false); }

        /// <summary>The same at once, before scripts are reloaded: what is destroyed later is never destroyed then.</summary>
        internal void Unbind(bool now)
        {
            _loading++;
            _stream = null;
            _face = null;
            Problem = "";
            if (_voice != null) _voice.Unbind();
            if (_mark != null) _mark.Clear();
            if (head != null) head.gameObject.SetActive(false);
            else if (_model != null && now) DestroyImmediate(_model);
            else if (_model != null) Destroy(_model);
            _model = null;
            if (_import != null) { _import.Dispose(); _import = null; }
            if (_left != null) _left.Hide();
            if (_right != null) _right.Hide();
        }

        private void OnEnable()
        {
            if (Problem == null) Problem = "";
            if (Spawned || _stream != null) return;
            if (client == null) client = FindAnyObjectByType<LikenessClient>();
            if (client != null) client.Place(this);
            else Problem = "there is no LikenessClient in the scene";
        }

        private void OnDestroy()
        {
            if (client != null) client.Unplace(this);
            _loading++;
            if (head == null && _model != null) Destroy(_model);
            if (_import != null) _import.Dispose();
            if (_left != null) _left.Destroy();
            if (_right != null) _right.Destroy();
        }

        private async void Load()
        {
            int mine = ++_loading;
            AvatarStream stream = _stream;
            GltfImport import = null;
            try
            {
                string url = stream.Header.FarAvatarUrl != "" && client.ShouldUseFarModel(transform.position)
                    ? stream.Header.FarAvatarUrl : stream.Header.AvatarUrl;
                var address = new Uri(new Uri(client.ServerUrl), url);
                import = new GltfImport();
                byte[] model = await ModelDownload.Fetch(address, client.PinnedCertificate);
                if (this == null || mine != _loading) { import.Dispose(); return; }
#pragma warning disable 618   // later 6.x have a generic Load too; this one is in all of them
                if (!await import.LoadGltfBinary(model, address)) throw new InvalidOperationException("glTFast refused " + address);
#pragma warning restore 618
                if (this == null || mine != _loading) { import.Dispose(); return; }
                var holder = new GameObject("Model");
                holder.transform.SetParent(transform, false);
                holder.SetActive(false);   // not a picture of it without its mark
                bool built = await import.InstantiateMainSceneAsync(holder.transform);
                if (this == null || mine != _loading) { if (holder != null) Destroy(holder); import.Dispose(); return; }
                if (!built) { Destroy(holder); throw new InvalidOperationException("glTFast could not build " + address); }
                _import = import;
                _model = holder;
                Take(holder.transform, stream.Header.ControlsOnly);
            }
            catch (Exception error)
            {
                if (import != null) import.Dispose();
                if (this == null || mine != _loading) return;
                Problem = "the avatar of " + stream.Header.Name + " could not be loaded: " + error.Message;
                Debug.LogError("Likeness: " + Problem, this);
            }
        }

        private void Take(Transform model, bool guest)
        {
            _face = new FaceBinding(model, _stream.Header.Components, guest);
            if (_face.Bound == 0)
            {
                Problem = "the model has a blend shape for none of the stream's " + _stream.Header.Components.Length + " components";
                Debug.LogError("Likeness: " + Problem, this);
            }
            if (LoadedModel != null) LoadedModel(this);
        }

        private void LateUpdate()
        {
            if (_stream == null || _face == null || _model == null) return;
            // No mark, no face: the statement that this is generated cannot be taken away from it.
            if (_mark == null) _mark = GeneratedMark.Ensure(this);
            bool marked = _mark.Show(_stream.Tag, _stream.SealProblem);
            bool posed = _stream.TryGetFace(LikenessClient.Now, _pose);
            if (posed) _face.Apply(_pose, moveWithRoom);
            if (_model.activeSelf != marked) _model.SetActive(marked);
            if (!marked) Problem = "its mark cannot be seen: it was disabled, hidden or made too small";
            else if (_face.Bound > 0) Problem = "";
            ShowHands(marked && posed && _pose.HasHands);
        }

        private void ShowHands(bool shown)
        {
            if (!shown)
            {
                if (_left != null) _left.Hide();
                if (_right != null) _right.Hide();
                return;
            }
            if (_left == null) _left = new HandShape("Left hand", transform, true);
            if (_right == null) _right = new HandShape("Right hand", transform, false);
            Vector3 head = moveWithRoom ? UnityFrame.Position(_pose.HeadTranslation) : Vector3.zero;
            _left.Show(head, _pose.HandLeft);
            _right.Show(head, _pose.HandRight);
        }
    }
}
