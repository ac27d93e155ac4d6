using UnityEngine;
using Likeness.Unity;

namespace Likeness.Samples
{
    /// <summary>
    /// Several avatars in one room: start the sample on several machines (or build it twice) with the same room
    /// name, each with a character of its own. Everyone sees and hears everyone.
    /// </summary>
    public sealed class ClassroomSample : MonoBehaviour
    {
        [SerializeField] private string serverUrl = "http://localhost:8080";
        [SerializeField] private string room = "classroom-1";
        [SerializeField] private string[] characters = { "einstein", "curie", "plain" };

        private LikenessClient _client;
        private int _chosen;
        private string _text = "Good morning, class.";
        private string _state = "Choose a character.";

        private void Awake()
        {
            SampleStage.Build(new Vector3(0, 1.6f, 2.6f));
            var go = new GameObject("Room");
            _client = go.AddComponent<LikenessClient>();
            _client.ServerUrl = serverUrl;
            _client.Character = characters[0];
            _client.Scene = "classroom";
            _client.Room = room;
            _client.StateChanged += (state, why) => _state = state + ": " + why;
            go.AddComponent<LikenessBody>();
            go.AddComponent<LikenessMicrophone>();
        }

        private void OnGUI()
        {
            GUILayout.BeginArea(new Rect(16, Screen.height - 128, Screen.width - 32, 112));
            GUILayout.Label(_state);
            GUILayout.BeginHorizontal();
            for (int i = 0; i < characters.Length; i++)
            {
                if (GUILayout.Button(characters[i], GUILayout.Width(100)) && i != _chosen)
                {
                    _chosen = i;
                    _client.ChangeCharacter(characters[i]);
                }
            }
            GUILayout.EndHorizontal();
            GUILayout.BeginHorizontal();
            _text = GUILayout.TextField(_text);
            if (GUILayout.Button("Say", GUILayout.Width(80))) _client.Say(_text);
            GUILayout.EndHorizontal();
            GUILayout.EndArea();
        }
    }
}
