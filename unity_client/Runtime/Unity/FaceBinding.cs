using System.Collections.Generic;
using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// Connects a stream's components to a loaded avatar's blend shapes and joints, by name, once. Applying a
    /// pose allocates nothing.
    /// </summary>
    public sealed class FaceBinding
    {
        private struct Shape { public SkinnedMeshRenderer Renderer; public int Index; public float Last; }

        private readonly Shape[][] _components;
        private readonly Shape[] _lidLeft, _lidRight;
        private readonly Joint _root, _neck, _jaw, _eyeLeft, _eyeRight;
        private const float Weight = 100f;       // Unity's blend shapes run 0..100 for a morph target's 0..1
        private const float Least = 0.01f;       // smaller changes cannot be seen and are not set

        private struct Joint
        {
            public Transform Transform;
            public Quaternion Rest;
            public void Turn(Float3 axisAngle)
            {
                if (Transform != null) Transform.localRotation = Rest * UnityFrame.Rotation(axisAngle);
            }
        }

        public FaceBinding(Transform avatar, string[] components)
        {
            SkinnedMeshRenderer[] renderers = avatar.GetComponentsInChildren<SkinnedMeshRenderer>(true);
            _components = new Shape[components.Length][];
            int bound = 0;
            for (int i = 0; i < components.Length; i++)
            {
                _components[i] = Find(renderers, components[i]);
                if (_components[i].Length > 0) bound++;
            }
            _lidLeft = Find(renderers, Controls.EyelidLeft);
            _lidRight = Find(renderers, Controls.EyelidRight);
            _root = FindJoint(avatar, Joints.Root);
            _neck = FindJoint(avatar, Joints.Neck);
            _jaw = FindJoint(avatar, Joints.Jaw);
            _eyeLeft = FindJoint(avatar, Joints.LeftEye);
            _eyeRight = FindJoint(avatar, Joints.RightEye);
            Bound = bound;
        }

        /// <summary>Components that move something.</summary>
        public int Bound { get; private set; }
        public Transform Root { get { return _root.Transform; } }

        public void Apply(FlamePose pose)
        {
            int n = Mathf.Min(pose.Components, _components.Length);
            for (int i = 0; i < n; i++) Set(_components[i], pose.Expression[i]);
            Set(_lidLeft, pose.EyelidLeft);
            Set(_lidRight, pose.EyelidRight);
            _neck.Turn(pose.Neck);
            _jaw.Turn(pose.Jaw);
            _eyeLeft.Turn(pose.EyeLeft);
            _eyeRight.Turn(pose.EyeRight);
        }

        private static void Set(Shape[] shapes, float value)
        {
            float weight = value * Weight;
            for (int k = 0; k < shapes.Length; k++)
            {
                if (Mathf.Abs(weight - shapes[k].Last) < Least) continue;
                shapes[k].Renderer.SetBlendShapeWeight(shapes[k].Index, weight);
                shapes[k].Last = weight;
            }
        }

        private static Shape[] Find(SkinnedMeshRenderer[] renderers, string name)
        {
            var found = new List<Shape>();
            foreach (SkinnedMeshRenderer renderer in renderers)
            {
                int index = renderer.sharedMesh != null ? renderer.sharedMesh.GetBlendShapeIndex(name) : -1;
                if (index >= 0) found.Add(new Shape { Renderer = renderer, Index = index, Last = float.NaN });
            }
            for (int i = 0; i < found.Count; i++)
            {
                Shape s = found[i];
                s.Last = s.Renderer.GetBlendShapeWeight(s.Index);
                found[i] = s;
            }
            return found.ToArray();
        }

        private static Joint FindJoint(Transform at, string name)
        {
            Transform t = FindDeep(at, name);
            return new Joint { Transform = t, Rest = t != null ? t.localRotation : Quaternion.identity };
        }

        private static Transform FindDeep(Transform at, string name)
        {
            if (at.name == name) return at;
            for (int i = 0; i < at.childCount; i++)
            {
                Transform found = FindDeep(at.GetChild(i), name);
                if (found != null) return found;
            }
            return null;
        }
    }
}
