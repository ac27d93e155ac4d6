using UnityEngine;
using Likeness.Unity;

namespace Likeness.Samples
{
    /// <summary>Hold the button and talk, or type: your voice drives the face; captions show what is said.</summary>
    public sealed class ConversationSample : MonoBehaviour
    {
        [SerializeField] private string serverUrl = "http://localhost:8080";
        [SerializeField] private string character = "curie";

        private LikenessClient _client;
        private LikenessMicrophone _microphone;
        private string _text = "Nothing in life is to be feared, it is only to be understood.";
        private string _caption = "";
        private string _state = "";
        private bool _held;

        private void Awake()
        {
            SampleStage.Build(new Vector3(0, 1.6f, 1.2f));
            var room = new GameObject("Room");
            _client = room.AddComponent<LikenessClient>();
            _client.ServerUrl = serverUrl;
            _client.Character = character;
            _client.Scene = "museum";
            _client.StateChanged += (state, why) => _state = state + ": " + why;
            _client.Noticed += notice => _caption = notice.Text;
            _client.Speech += OnSpeech;
            _microphone = room.AddComponent<LikenessMicrophone>();
        }

        private void OnSpeech(SpeechState speech)
        {
            if (speech.Phase == SpeechPhase.Started) _caption = speech.Text;
            if (speech.Phase == SpeechPhase.Failed) _caption = speech.Error;
        }

        private void OnGUI()
        {
            GUILayout.BeginArea(new Rect(16, Screen.height - 128, Screen.width - 32, 112));
            GUILayout.Label(_caption);
            GUILayout.Label(_state);
            GUILayout.BeginHorizontal();
            _text = GUILayout.TextField(_text);
            if (GUILayout.Button("Say", GUILayout.Width(80))) _client.Say(_text);
            if (GUILayout.Button("Stop", GUILayout.Width(80))) _client.Stop();
            bool held = GUILayout.RepeatButton("Hold to talk", GUILayout.Width(120));
            GUILayout.EndHorizontal();
            GUILayout.EndArea();
            if (held && !_held) _held = _microphone.Open();
            else if (!held && _held && !Input.GetMouseButton(0)) { _microphone.Close(); _held = false; }
        }
    }
}
