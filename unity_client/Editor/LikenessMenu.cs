using UnityEditor;
using UnityEngine;
using Likeness.Unity;

namespace Likeness.Editor
{
    /// <summary>GameObject > Likeness: what a scene needs, made with one click.</summary>
    public static class LikenessMenu
    {
        [MenuItem("GameObject/Likeness/Client", false, 10)]
        private static void Client(MenuCommand command) { Make("Likeness Client", command).AddComponent<LikenessClient>(); }

        [MenuItem("GameObject/Likeness/Client, body and microphone", false, 11)]
        private static void Everything(MenuCommand command)
        {
            GameObject made = Make("Likeness Client", command);
            made.AddComponent<LikenessClient>();
            made.AddComponent<LikenessBody>();
            made.AddComponent<LikenessMicrophone>();
        }

        [MenuItem("GameObject/Likeness/Avatar", false, 12)]
        private static void Avatar(MenuCommand command) { Make("Likeness Avatar", command).AddComponent<LikenessAvatar>(); }

        private static GameObject Make(string name, MenuCommand command)
        {
            var made = new GameObject(name);
            GameObjectUtility.SetParentAndAlign(made, command.context as GameObject);
            Undo.RegisterCreatedObjectUndo(made, "Create " + name);
            Selection.activeObject = made;
            return made;
        }
    }
}
