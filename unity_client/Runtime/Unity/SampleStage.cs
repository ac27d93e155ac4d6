using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// A camera, a key and a fill light, where the scene has none: what the samples stand in. It is here and not
    /// in each sample, because Unity compiles imported samples together.
    /// </summary>
    public static class SampleStage
    {
        public static void Build(Vector3 eye)
        {
            Camera camera = Camera.main;
            if (camera == null)
            {
                var go = new GameObject("Main Camera");
                go.tag = "MainCamera";
                camera = go.AddComponent<Camera>();
                go.AddComponent<AudioListener>();
            }
            camera.transform.position = eye;
            camera.transform.rotation = Quaternion.Euler(0, 180, 0);
            camera.clearFlags = CameraClearFlags.SolidColor;
            camera.backgroundColor = new Color(0.08f, 0.09f, 0.11f, 1f);
            camera.nearClipPlane = 0.05f;
            Light(new Vector3(35, 200, 0), 1.1f);
            Light(new Vector3(10, 130, 0), 0.35f);
        }

        private static void Light(Vector3 angles, float intensity)
        {
            var light = new GameObject("Light").AddComponent<Light>();
            light.type = LightType.Directional;
            light.intensity = intensity;
            light.transform.rotation = Quaternion.Euler(angles.x, angles.y, angles.z);
        }
    }
}
