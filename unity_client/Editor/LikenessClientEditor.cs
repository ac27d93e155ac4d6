using System;
using UnityEditor;
using UnityEngine;
using Likeness.Unity;
using Object = UnityEngine.Object;

namespace Likeness.Editor
{
    /// <summary>Says what is wrong before Play, and how the connection does during it.</summary>
    [CustomEditor(typeof(LikenessClient))]
    public sealed class LikenessClientEditor : UnityEditor.Editor
    {
        public override void OnInspectorGUI()
        {
            var client = (LikenessClient)target;
            Uri address;
            if (!Uri.TryCreate(client.ServerUrl, UriKind.Absolute, out address) || (address.Scheme != "http" && address.Scheme != "https"))
                EditorGUILayout.HelpBox("The server's address looks like http://localhost:8080: `likeness serve` prints it.", MessageType.Error);
            else if (address.IsLoopback && EditorUserBuildSettings.activeBuildTarget == BuildTarget.Android)
                EditorGUILayout.HelpBox("On the headset, localhost is the headset itself: write this machine's address (and start the server with host = \"0.0.0.0\" and a token_secret), or run `adb reverse tcp:8080 tcp:8080`.", MessageType.Warning);
            else if (address.Scheme == "http" && !address.IsLoopback)
                EditorGUILayout.HelpBox("Voices and faces travel unencrypted to another machine. Give the server a certificate and use https.", MessageType.Warning);
            if (Object.FindAnyObjectByType<AudioListener>() == null)
                EditorGUILayout.HelpBox("There is no AudioListener in the scene: nobody will be heard.", MessageType.Warning);
            if (!string.IsNullOrEmpty(client.PinnedCertificate))
            {
                try { WebSocketTransport.Fingerprint(client.PinnedCertificate); }
                catch (ArgumentException error) { EditorGUILayout.HelpBox("Pinned certificate: " + error.Message, MessageType.Error); }
            }
            DrawDefaultInspector();
            if (!Application.isPlaying || client.Session == null) return;
            EditorGUILayout.Space();
            EditorGUILayout.LabelField("State", client.State.ToString());
            EditorGUILayout.LabelField("Round trip", (client.Session.RoundTrip * 1000).ToString("0") + " ms");
            EditorGUILayout.LabelField("Avatars", client.Session.Avatars.Count.ToString());
            foreach (AvatarStream avatar in client.Session.Avatars.Values)
                EditorGUILayout.LabelField(avatar.Header.Name, avatar.Frames.Received + " frames, " + avatar.Frames.Lost + " lost, " + avatar.Voice.Underruns + " gaps, " + avatar.SealedFrames + " sealed");
            if (client.People != null)
                foreach (Person person in client.People.People)
                    EditorGUILayout.LabelField(person.Name == "" ? "avatar " + person.Avatar : person.Name, person.Role + (person.Muted ? ", muted" : "") + (person.Away ? ", away" : ""));
            if (!string.IsNullOrEmpty(client.Session.LastProblem))
                EditorGUILayout.HelpBox(client.Session.LastProblem, MessageType.Info);
        }

        public override bool RequiresConstantRepaint() { return Application.isPlaying; }
    }

    [CustomEditor(typeof(LikenessAvatar))]
    public sealed class LikenessAvatarEditor : UnityEditor.Editor
    {
        public override void OnInspectorGUI()
        {
            DrawDefaultInspector();
            var avatar = (LikenessAvatar)target;
            if (!Application.isPlaying)
            {
                EditorGUILayout.HelpBox("Press Play: the avatar loads its model from the server. Its mark is always shown.", MessageType.Info);
                return;
            }
            if (avatar.Stream != null)
            {
                EditorGUILayout.LabelField("Mark", avatar.Stream.Tag.Mark);
                EditorGUILayout.LabelField("Blend shapes", avatar.BoundComponents + " of " + avatar.Stream.Header.Components.Length + " components");
                EditorGUILayout.LabelField("Seals", avatar.Stream.SealProblem ?? avatar.Stream.SealedFrames + " frames hold");
            }
            if (!string.IsNullOrEmpty(avatar.Problem)) EditorGUILayout.HelpBox(avatar.Problem, MessageType.Error);
        }
    }
}
