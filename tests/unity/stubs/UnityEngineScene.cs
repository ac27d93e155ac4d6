// More of the engine's signatures, for the samples and the editor. Never shipped, never run.
#pragma warning disable 67, 649, 169, 414
namespace UnityEngine
{
    public enum CameraClearFlags { Skybox, SolidColor }
    public enum LightType { Spot, Directional, Point }
    public class Light : Behaviour { public LightType type { get; set; } public float intensity { get; set; } }
    public class AudioListener : Behaviour { }
    public static class Input { public static bool GetMouseButton(int button) { return false; } }
}

namespace UnityEditor
{
    using UnityEngine;
    public enum MessageType { None, Info, Warning, Error }
    public class SerializedObject { public SerializedProperty FindProperty(string name) { return null; } public void Update() { } public bool ApplyModifiedProperties() { return false; } }
    public class SerializedProperty { public string stringValue { get; set; } }
    public class Editor : ScriptableObject
    {
        public Object target { get; set; }
        public SerializedObject serializedObject { get { return null; } }
        public virtual void OnInspectorGUI() { }
        public bool DrawDefaultInspector() { return false; }
        public virtual bool RequiresConstantRepaint() { return false; }
    }
    public sealed class CustomEditor : System.Attribute { public CustomEditor(System.Type type) { } }
    public static class EditorGUILayout
    {
        public static void HelpBox(string message, MessageType type) { }
        public static void LabelField(string label, string value) { }
        public static void Space() { }
    }
}
