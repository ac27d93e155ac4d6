// More of the engine's signatures, for the samples and the editor. Never shipped, never run.
#pragma warning disable 67, 649, 169, 414
namespace UnityEngine
{
    public enum CameraClearFlags { Skybox, SolidColor }
    public enum LightType { Spot, Directional, Point }
    public class Light : Behaviour { public LightType type { get; set; } public float intensity { get; set; } }
    public class AudioListener : Behaviour { }
}

namespace UnityEngine.InputSystem
{
    public sealed class InputAction { public bool enabled { get { return true; } } public void Enable() { } public T ReadValue<T>() where T : struct { return default(T); } }
    public class InputActionReference : UnityEngine.ScriptableObject { }
    public struct InputActionProperty { public InputAction action { get { return null; } } public InputActionReference reference { get { return null; } } }
}

namespace UnityEngine.Android
{
    public static class Permission
    {
        public const string Microphone = "";
        public static bool HasUserAuthorizedPermission(string permission) { return false; }
        public static void RequestUserPermission(string permission) { }
    }
}

namespace UnityEngine.Networking
{
    public class UploadHandler { }
    public class DownloadHandler { public string text { get { return ""; } } public byte[] data { get { return null; } } }
    public class CertificateHandler { protected virtual bool ValidateCertificate(byte[] certificateData) { return false; } }
    public sealed class UploadHandlerRaw : UploadHandler { public UploadHandlerRaw(byte[] data) { } }
    public sealed class DownloadHandlerBuffer : DownloadHandler { }
    public class UnityWebRequestAsyncOperation : AsyncOperation { }
    public class UnityWebRequest : System.IDisposable
    {
        public enum Result { InProgress, Success, ConnectionError, ProtocolError, DataProcessingError }
        public UnityWebRequest(string url, string method) { }
        public UploadHandler uploadHandler { get; set; }
        public DownloadHandler downloadHandler { get; set; }
        public static UnityWebRequest Get(System.Uri uri) { return null; }
        public CertificateHandler certificateHandler { get; set; }
        public long responseCode { get { return 0; } }
        public Result result { get { return Result.Success; } }
        public string error { get { return ""; } }
        public void SetRequestHeader(string name, string value) { }
        public UnityWebRequestAsyncOperation SendWebRequest() { return null; }
        public void Dispose() { }
    }
}

namespace UnityEditor
{
    using UnityEngine;
    public static class AssemblyReloadEvents
    {
        public delegate void AssemblyReloadCallback();
        public static event AssemblyReloadCallback beforeAssemblyReload;
    }
    public enum PlayModeStateChange { EnteredEditMode, ExitingEditMode, EnteredPlayMode, ExitingPlayMode }
    public static class EditorApplication { public static event System.Action<PlayModeStateChange> playModeStateChanged; }
    public enum BuildTarget { Android = 13, StandaloneWindows64 = 19 }
    public static class EditorUserBuildSettings { public static BuildTarget activeBuildTarget { get { return BuildTarget.Android; } } }
    public sealed class MenuItem : System.Attribute { public MenuItem(string path, bool validate, int priority) { } }
    public sealed class MenuCommand { public Object context; }
    public static class GameObjectUtility { public static void SetParentAndAlign(GameObject child, GameObject parent) { } }
    public static class Undo { public static void RegisterCreatedObjectUndo(Object o, string name) { } }
    public static class Selection { public static Object activeObject { get; set; } }
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
