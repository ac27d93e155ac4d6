using UnityEngine;
using Likeness.Unity;

namespace Likeness.Samples
{
    /// <summary>Open the microphone and talk, or type: your voice drives the face; captions show what is said.</summary>
    public sealed class ConversationSample : MonoBehaviour
    {
        [SerializeField] private string serverUrl = "http://localhost:8080";
        [SerializeField] private string character = "curie";

        private LikenessClient _client;
        private LikenessMicrophone _microphone;
        private string _text = "Nothing in life is to be feared, it is only to be understood.";
        private string _caption = "";
        private string _state = "";
        private int _mood = -1;

        private void Awake()
        {
            SampleStage.Build(new Vector3(0, 1.42f, 1.2f));
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
            GUILayout.BeginArea(new Rect(16, Screen.height - 152, Screen.width - 32, 136));
            GUILayout.Label(_caption);
            GUILayout.Label(_state);
            GUILayout.BeginHorizontal();
            _text = GUILayout.TextField(_text);
            if (GUILayout.Button("Say", GUILayout.Width(80))) _client.Say(_text);
            if (GUILayout.Button("Stop", GUILayout.Width(80))) _client.Stop();
            if (GUILayout.Button(_microphone.IsOpen ? "Close microphone" : "Open microphone", GUILayout.Width(140)))
            {
                if (_microphone.IsOpen) _microphone.Close(); else _microphone.Open();
            }
            GUILayout.EndHorizontal();
            GUILayout.BeginHorizontal();
            for (int i = 0; i < Emotions.Names.Length; i++)
            {
                if (!GUILayout.Button((i == _mood ? "* " : "") + Emotions.Names[i], GUILayout.Width(90))) continue;
                // A second click clears it.
                _client.SetEmotion(Emotions.Names[i], i == _mood ? 0f : 0.7f);
                _mood = i == _mood ? -1 : i;
            }
            GUILayout.EndHorizontal();
            GUILayout.EndArea();
        }
    }
}
