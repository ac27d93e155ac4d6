using UnityEngine;
using Likeness.Unity;

namespace Likeness.Samples
{
    /// <summary>
    /// Press Play with `make run` going on the same machine: the character stands a step away, says what you
    /// type, and mirrors your head.
    /// </summary>
    public sealed class MirrorSample : MonoBehaviour
    {
        [SerializeField] private string serverUrl = "http://localhost:8080";
        [SerializeField] private string character = "einstein";

        private LikenessClient _client;
        private string _text = "Imagination is more important than knowledge.";
        private string _state = "";

        private void Awake()
        {
            SampleStage.Build(new Vector3(0, 1.42f, 1.1f));
            var room = new GameObject("Room");
            _client = room.AddComponent<LikenessClient>();
            _client.ServerUrl = serverUrl;
            _client.Character = character;
            _client.Scene = "mirror";
            _client.StateChanged += (state, why) => _state = state + ": " + why;
            room.AddComponent<LikenessBody>();
        }

        private void OnGUI()
        {
            GUILayout.BeginArea(new Rect(16, Screen.height - 96, Screen.width - 32, 80));
            GUILayout.Label(_state);
            GUILayout.BeginHorizontal();
            _text = GUILayout.TextField(_text);
            if (GUILayout.Button("Say", GUILayout.Width(80))) _client.Say(_text);
            if (GUILayout.Button("Stop", GUILayout.Width(80))) _client.Stop();
            GUILayout.EndHorizontal();
            GUILayout.EndArea();
        }
    }
}
