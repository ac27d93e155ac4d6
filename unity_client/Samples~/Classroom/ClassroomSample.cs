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
        private string _notice = "";

        private void Awake()
        {
            SampleStage.Build(new Vector3(0, 1.5f, 3f));
            var go = new GameObject("Room");
            _client = go.AddComponent<LikenessClient>();
            _client.ServerUrl = serverUrl;
            _client.Character = characters[0];
            _client.Scene = "classroom";
            _client.Room = room;
            _client.StateChanged += (state, why) => _state = state + ": " + why;
            _client.Noticed += notice => _notice = notice.Text;
            go.AddComponent<LikenessBody>();
            go.AddComponent<LikenessMicrophone>();
        }

        private void OnGUI()
        {
            ShowPeople();
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

        /// <summary>Everybody in the room, and what who moderates it may do with them.</summary>
        private void ShowPeople()
        {
            RoomState people = _client.People;
            if (people == null) return;
            bool mayModerate = people.Self != null && people.Self.Moderator;
            GUILayout.BeginArea(new Rect(16, 16, 420, 300));
            GUILayout.Label("Room " + (people.Code != "" ? people.Code : people.Room));
            foreach (Person person in people.People)
            {
                GUILayout.BeginHorizontal();
                GUILayout.Label((person.Self ? "you: " : "") + (person.Name != "" ? person.Name : "avatar " + person.Avatar)
                    + (person.Away ? " (away)" : "") + (person.Muted ? " (muted)" : "") + (people.Floor != 0 && people.Floor == person.Avatar ? " (has the floor)" : ""));
                if (mayModerate && !person.Self)
                {
                    if (GUILayout.Button(person.Muted ? "Unmute" : "Mute", GUILayout.Width(70)))
                        _client.Moderate(person.Muted ? ModerateAct.Unmute : ModerateAct.Mute, person.Avatar);
                    if (GUILayout.Button(person.Frozen ? "Unfreeze" : "Freeze", GUILayout.Width(80)))
                        _client.Moderate(person.Frozen ? ModerateAct.Unfreeze : ModerateAct.Freeze, person.Avatar);
                    if (GUILayout.Button("Floor", GUILayout.Width(60))) _client.Moderate(ModerateAct.GiveFloor, person.Avatar);
                }
                GUILayout.EndHorizontal();
            }
            if (mayModerate && people.Floor != 0 && GUILayout.Button("Open the floor", GUILayout.Width(120))) _client.Moderate(ModerateAct.OpenFloor);
            GUILayout.Label(_notice);
            GUILayout.EndArea();
        }
    }
}
