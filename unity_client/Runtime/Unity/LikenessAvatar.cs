using System;
using System.Threading.Tasks;
using GLTFast;
using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// One performer in the scene: loads its .glb with glTFast, draws the face of the sample that is being
    /// heard, and carries its mark. Drag it into a scene and set the client's server and character, or let
    /// <see cref="LikenessClient"/> make one for everyone.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness Avatar")]
    [DisallowMultipleComponent]
    public sealed class LikenessAvatar : MonoBehaviour
    {
        [Tooltip("The connection. Empty: the one in the scene.")]
        [SerializeField] private LikenessClient client;
        [Tooltip("Follow the head's place in the room. Off: the avatar stays where you put it.")]
        [SerializeField] private bool moveWithRoom = true;
        [Tooltip("Play this performer's voice here.")]
        [SerializeField] private bool playVoice = true;

        private readonly FlamePose _pose = new FlamePose();
        private AvatarStream _stream;
        private FaceBinding _face;
        private GeneratedMark _mark;
        private LikenessVoice _voice;
        private GameObject _model;
        private Transform _leftHand, _rightHand;
        private int _loading;

        public AvatarStream Stream { get { return _stream; } }
        public bool Loaded { get { return _face != null; } }
        /// <summary>Why the avatar is not drawn, in words; empty while it is.</summary>
        public string Problem { get; private set; }
        public event Action<LikenessAvatar> LoadedModel;

        /// <summary>Shows this performer from now on.</summary>
        public void Bind(LikenessClient owner, AvatarStream stream)
        {
            client = owner;
            _stream = stream;
            _mark = GeneratedMark.Ensure(this);
            if (playVoice)
            {
                _voice = GetComponent<LikenessVoice>();
                if (_voice == null) _voice = gameObject.AddComponent<LikenessVoice>();
                _voice.Bind(stream);
            }
            Load();
        }

        private void OnEnable()
        {
            Problem = "";
            if (client == null) client = FindAnyObjectByType<LikenessClient>();
            if (client == null || _stream != null) return;
            client.AvatarJoined += TakeOwn;
        }

        private void OnDisable() { if (client != null) client.AvatarJoined -= TakeOwn; }

        private void OnDestroy() { if (_model != null) Destroy(_model); }

        private void TakeOwn(AvatarStream stream) { if (stream.Header.Self) Bind(client, stream); }

        private async void Load()
        {
            int mine = ++_loading;
            try
            {
                Task<GameObject> load = LoadModel(new Uri(new Uri(client.ServerUrl), _stream.Header.AvatarUrl));
                GameObject model = await load;
                if (this == null || mine != _loading) { if (model != null) Destroy(model); return; }
                if (_model != null) Destroy(_model);
                _model = model;
                _face = new FaceBinding(model.transform, _stream.Header.Components);
                if (_face.Bound == 0) Problem = "the avatar has none of the stream's " + _stream.Header.Components.Length + " components";
                if (LoadedModel != null) LoadedModel(this);
            }
            catch (Exception error)
            {
                Problem = "the avatar of " + _stream.Header.Name + " could not be loaded: " + error.Message;
                Debug.LogError("Likeness: " + Problem, this);
            }
        }

        private async Task<GameObject> LoadModel(Uri address)
        {
            var import = new GltfImport();
            if (!await import.Load(address)) throw new InvalidOperationException("glTFast refused " + address);
            if (this == null) { import.Dispose(); return null; }
            var holder = new GameObject("Model");
            holder.transform.SetParent(transform, false);
            if (!await import.InstantiateMainSceneAsync(holder.transform))
            {
                Destroy(holder);
                throw new InvalidOperationException("glTFast could not build " + address);
            }
            return holder;
        }

        private void LateUpdate()
        {
            if (_stream == null || _face == null) return;
            // No mark, no face: the statement that this is generated cannot be taken away from it.
            bool marked = _mark != null && _mark.Show(_stream.Tag);
            if (_model.activeSelf != marked) _model.SetActive(marked);
            if (!marked) { Problem = "its mark was removed"; return; }
            if (!_stream.TryGetFace(LikenessClient.Now, _pose)) return;
            _face.Apply(_pose);
            if (moveWithRoom)
            {
                transform.localPosition = UnityFrame.Position(_pose.HeadTranslation);
                transform.localRotation = UnityFrame.Rotation(_pose.HeadRotation);
            }
            ShowHands();
        }

        private void ShowHands()
        {
            if (!_pose.HasHands)
            {
                if (_leftHand != null) _leftHand.gameObject.SetActive(false);
                if (_rightHand != null) _rightHand.gameObject.SetActive(false);
                return;
            }
            Place(ref _leftHand, "Left hand", _pose.HandLeft);
            Place(ref _rightHand, "Right hand", _pose.HandRight);
        }

        private void Place(ref Transform hand, string label, HandPose pose)
        {
            if (hand == null)
            {
                GameObject shape = GameObject.CreatePrimitive(PrimitiveType.Cube);
                Destroy(shape.GetComponent<Collider>());
                shape.name = label;
                shape.transform.localScale = new Vector3(0.07f, 0.025f, 0.1f);
                shape.transform.SetParent(transform.parent, false);
                hand = shape.transform;
            }
            hand.gameObject.SetActive(true);
            hand.localPosition = transform.localPosition + UnityFrame.Position(pose.Position);
            hand.localRotation = UnityFrame.Rotation(pose.Rotation);
        }
    }
}
