// Signatures of the engine's API that the package uses, for compiling only. Never shipped, never run.
#pragma warning disable 67, 649, 169, 414
using System;
using System.Threading.Tasks;

namespace UnityEngine
{
    public class Object
    {
        public string name { get; set; }
        public static void Destroy(Object o) { }
        public static void DestroyImmediate(Object o) { }
        public static void DontDestroyOnLoad(Object o) { }
        public static T FindAnyObjectByType<T>() where T : Object { return null; }
        public static bool operator ==(Object a, Object b) { return ReferenceEquals(a, b); }
        public static bool operator !=(Object a, Object b) { return !ReferenceEquals(a, b); }
        public override bool Equals(object o) { return ReferenceEquals(this, o); }
        public override int GetHashCode() { return 0; }
    }

    public class Component : Object
    {
        public GameObject gameObject { get { return null; } }
        public Transform transform { get { return null; } }
        public T GetComponent<T>() { return default(T); }
        public T GetComponentInChildren<T>(bool includeInactive) { return default(T); }
        public T[] GetComponentsInChildren<T>(bool includeInactive) { return null; }
    }

    public class Behaviour : Component { public bool enabled { get; set; } public bool isActiveAndEnabled { get { return true; } } }
    public class MonoBehaviour : Behaviour
    {
        public Coroutine StartCoroutine(System.Collections.IEnumerator routine) { return null; }
        public void StopCoroutine(Coroutine routine) { }
    }
    public class YieldInstruction { }
    public sealed class Coroutine : YieldInstruction { }
    public class CustomYieldInstruction : System.Collections.IEnumerator
    {
        public object Current { get { return null; } }
        public bool MoveNext() { return false; }
        public void Reset() { }
    }
    public class AsyncOperation : YieldInstruction { public event Action<AsyncOperation> completed; }
    public class ScriptableObject : Object { }
    public class Collider : Component { }

    public sealed class GameObject : Object
    {
        public GameObject() { }
        public GameObject(string name) { }
        public Transform transform { get { return null; } }
        public string tag { get; set; }
        public bool activeSelf { get { return true; } }
        public bool activeInHierarchy { get { return true; } }
        public void SetActive(bool value) { }
        public T AddComponent<T>() where T : Component { return null; }
        public T GetComponent<T>() { return default(T); }
        public static GameObject CreatePrimitive(PrimitiveType type) { return null; }
    }

    public enum PrimitiveType { Sphere, Capsule, Cylinder, Cube, Plane, Quad }

    public class Transform : Component
    {
        public Vector3 position { get; set; }
        public Vector3 localPosition { get; set; }
        public Quaternion rotation { get; set; }
        public Quaternion localRotation { get; set; }
        public Vector3 eulerAngles { get; set; }
        public Vector3 localScale { get; set; }
        public Vector3 lossyScale { get { return default(Vector3); } }
        public Transform parent { get; set; }
        public int childCount { get { return 0; } }
        public Transform GetChild(int index) { return null; }
        public void SetParent(Transform parent, bool worldPositionStays) { }
        public Vector3 InverseTransformPoint(Vector3 p) { return p; }
    }

    public struct Vector3
    {
        public float x, y, z;
        public Vector3(float x, float y, float z) { this.x = x; this.y = y; this.z = z; }
        public float sqrMagnitude { get { return 0; } }
        public float magnitude { get { return 0; } }
        public static Vector3 one { get { return default(Vector3); } }
        public static Vector3 up { get { return default(Vector3); } }
        public static Vector3 zero { get { return default(Vector3); } }
        public static Vector3 operator +(Vector3 a, Vector3 b) { return a; }
        public static Vector3 operator -(Vector3 a, Vector3 b) { return a; }
        public static Vector3 operator *(Vector3 a, float b) { return a; }
    }

    public struct Quaternion
    {
        public float x, y, z, w;
        public Quaternion(float x, float y, float z, float w) { this.x = x; this.y = y; this.z = z; this.w = w; }
        public static Quaternion identity { get { return default(Quaternion); } }
        public static Quaternion Euler(float x, float y, float z) { return default(Quaternion); }
        public static Quaternion Inverse(Quaternion q) { return q; }
        public static Quaternion LookRotation(Vector3 forward, Vector3 up) { return default(Quaternion); }
        public static Quaternion operator *(Quaternion a, Quaternion b) { return a; }
        public static Vector3 operator *(Quaternion a, Vector3 b) { return b; }
    }

    public struct Color
    {
        public float r, g, b, a;
        public Color(float r, float g, float b, float a) { this.r = r; this.g = g; this.b = b; this.a = a; }
        public static Color white { get { return default(Color); } }
    }

    public struct Rect { public Rect(float x, float y, float w, float h) { } }

    public static class Mathf
    {
        public static int Min(int a, int b) { return Math.Min(a, b); }
        public static float Max(float a, float b) { return Math.Max(a, b); }
        public static float Abs(float v) { return Math.Abs(v); }
        public static float Clamp(float v, float a, float b) { return v; }
        public const float Rad2Deg = 57.29578f;
        public static float Sin(float v) { return v; }
        public static float Cos(float v) { return v; }
        public static float Clamp01(float v) { return v; }
    }

    public class Mesh : Object { public int blendShapeCount { get { return 0; } } public int GetBlendShapeIndex(string name) { return -1; } public string GetBlendShapeName(int i) { return ""; } }
    public class Renderer : Component { public bool enabled { get; set; } }
    public class MeshRenderer : Renderer { }
    public class SkinnedMeshRenderer : Renderer
    {
        public Mesh sharedMesh { get; set; }
        public void SetBlendShapeWeight(int index, float value) { }
        public float GetBlendShapeWeight(int index) { return 0; }
    }
    public enum TextAnchor { MiddleCenter }
    public enum TextAlignment { Center }
    public class TextMesh : Component
    {
        public string text { get; set; }
        public TextAnchor anchor { get; set; }
        public TextAlignment alignment { get; set; }
        public int fontSize { get; set; }
        public float characterSize { get; set; }
        public Color color { get; set; }
    }
    public class Camera : Behaviour
    {
        public static Camera main { get { return null; } }
        public CameraClearFlags clearFlags { get; set; }
        public Color backgroundColor { get; set; }
        public float nearClipPlane { get; set; }
    }

    public static class AudioSettings { public static double dspTime { get { return 0; } } public static int outputSampleRate { get { return 48000; } } public static event Action<bool> OnAudioConfigurationChanged; }
    public class AudioClip : Object
    {
        public int samples { get { return 0; } }
        public int frequency { get { return 0; } }
        public bool GetData(float[] data, int offsetSamples) { return true; }
        public static AudioClip Create(string name, int lengthSamples, int channels, int frequency, bool stream) { return null; }
    }
    public class AudioSource : Behaviour
    {
        public AudioClip clip { get; set; }
        public float spatialBlend { get; set; }
        public float dopplerLevel { get; set; }
        public bool loop { get; set; }
        public void Play() { }
        public void Stop() { }
    }
    public static class Microphone
    {
        public static string[] devices { get { return null; } }
        public static AudioClip Start(string device, bool loop, int lengthSec, int frequency) { return null; }
        public static void End(string device) { }
        public static int GetPosition(string device) { return 0; }
    }
    public static class Time { public static double realtimeSinceStartupAsDouble { get { return 0; } } public static float unscaledTime { get { return 0; } } public static float deltaTime { get { return 0; } } }
    public static class Debug
    {
        public static void Log(object message, Object context = null) { }
        public static void LogWarning(object message, Object context = null) { }
        public static void LogError(object message, Object context = null) { }
    }
    public static class Application { public static bool isPlaying { get { return true; } } public static void OpenURL(string url) { } public static event Action quitting; }

    public static class GUILayout
    {
        public static string TextField(string text, params GUILayoutOption[] options) { return text; }
        public static bool Button(string text, params GUILayoutOption[] options) { return false; }
        public static bool RepeatButton(string text, params GUILayoutOption[] options) { return false; }
        public static void Label(string text, params GUILayoutOption[] options) { }
        public static void BeginArea(Rect area) { }
        public static void EndArea() { }
        public static void BeginHorizontal(params GUILayoutOption[] options) { }
        public static void EndHorizontal() { }
        public static GUILayoutOption Width(float width) { return null; }
    }
    public sealed class GUILayoutOption { }
    public static class Screen { public static int width { get { return 0; } } public static int height { get { return 0; } } }

    public sealed class SerializeField : Attribute { }
    public sealed class HideInInspector : Attribute { }
    public sealed class TextAreaAttribute : Attribute { public TextAreaAttribute(int least, int most) { } }
    public sealed class TooltipAttribute : Attribute { public TooltipAttribute(string text) { } }
    public sealed class HeaderAttribute : Attribute { public HeaderAttribute(string text) { } }
    public sealed class RangeAttribute : Attribute { public RangeAttribute(float a, float b) { } }
    public sealed class AddComponentMenu : Attribute { public AddComponentMenu(string path) { } }
    public sealed class DefaultExecutionOrder : Attribute { public DefaultExecutionOrder(int order) { } }
    public sealed class DisallowMultipleComponent : Attribute { }
    [AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
    public sealed class RequireComponent : Attribute { public RequireComponent(Type type) { } }
}

namespace GLTFast
{
    public class ImportSettings { }
    public class GltfImport : IDisposable
    {
        public Task<bool> LoadGltfBinary(byte[] bytes, Uri uri = null, ImportSettings importSettings = null, System.Threading.CancellationToken cancellationToken = default(System.Threading.CancellationToken)) { return null; }
        public Task<bool> InstantiateMainSceneAsync(UnityEngine.Transform parent) { return null; }
        public void Dispose() { }
    }
}
