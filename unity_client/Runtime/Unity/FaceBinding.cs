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
        private readonly bool _guest;
        private readonly Joint _root, _neck, _jaw, _eyeLeft, _eyeRight;
        private const float Weight = 100f;       // Unity's blend shapes run 0..100 for a morph target's 0..1
        private const float Least = 0.01f;       // smaller changes cannot be seen and are not set

        private struct Joint
        {
            public Transform Transform;
            public Quaternion Rest;
            public Vector3 Place;
            public void Turn(Float3 axisAngle)
            {
                if (Transform != null) Transform.localRotation = UnityFrame.Rotation(axisAngle) * Rest;
            }
        }

        /// <param name="guest">A third party's model: shapes and bones are found under the names that such models use.</param>
        public FaceBinding(Transform avatar, string[] components, bool guest)
        {
            SkinnedMeshRenderer[] renderers = avatar.GetComponentsInChildren<SkinnedMeshRenderer>(true);
            _guest = guest;
            _components = new Shape[components.Length][];
            int bound = 0;
            for (int i = 0; i < components.Length; i++)
            {
                _components[i] = Find(renderers, components[i], guest);
                if (_components[i].Length > 0) bound++;
            }
            _lidLeft = Find(renderers, Controls.EyelidLeft, false);
            _lidRight = Find(renderers, Controls.EyelidRight, false);
            _root = guest ? JointOf(avatar) : FindJoint(avatar, Joints.Root);
            _neck = FindJoint(avatar, Joints.Neck);
            _eyeLeft = FindJoint(avatar, Joints.LeftEye);
            _eyeRight = FindJoint(avatar, Joints.RightEye);
            // A guest's mouth opens by its shape; to turn the jaw too would open it twice.
            _jaw = guest ? default(Joint) : FindJoint(avatar, Joints.Jaw);
            Bound = bound;
        }

        /// <summary>Components that move something.</summary>
        public int Bound { get; private set; }

        /// <summary>Sets a pose; <paramref name="move"/>: the head's own movement too, about the root joint.</summary>
        public void Apply(FlamePose pose, bool move)
        {
            int n = Mathf.Min(pose.Components, _components.Length);
            for (int i = 0; i < n; i++) Set(_components[i], pose.Expression[i]);
            Set(_lidLeft, pose.EyelidLeft);
            Set(_lidRight, pose.EyelidRight);
            _neck.Turn(pose.Neck);
            _jaw.Turn(pose.Jaw);
            _eyeLeft.Turn(pose.EyeLeft);
            _eyeRight.Turn(pose.EyeRight);
            if (!move || _root.Transform == null) return;
            _root.Turn(pose.HeadRotation);
            _root.Transform.localPosition = _root.Place + UnityFrame.Position(pose.HeadTranslation);
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

        private static Shape[] Find(SkinnedMeshRenderer[] renderers, string name, bool guest)
        {
            var found = new List<Shape>();
            int control = guest ? ControlNames.Find(name) : -1;
            foreach (SkinnedMeshRenderer renderer in renderers)
            {
                Mesh mesh = renderer.sharedMesh;
                if (mesh == null) continue;
                int index = mesh.GetBlendShapeIndex(name);
                for (int i = 0; index < 0 && control >= 0 && i < mesh.blendShapeCount; i++)
                    if (ControlNames.Find(mesh.GetBlendShapeName(i)) == control) index = i;
                if (index >= 0) found.Add(new Shape { Renderer = renderer, Index = index, Last = renderer.GetBlendShapeWeight(index) });
            }
            return found.ToArray();
        }

        private Joint FindJoint(Transform at, string name) { return JointOf(FindDeep(at, name)); }

        private static Joint JointOf(Transform t)
        {
            return new Joint
            {
                Transform = t,
                Rest = t != null ? t.localRotation : Quaternion.identity,
                Place = t != null ? t.localPosition : Vector3.zero,
            };
        }

        private Transform FindDeep(Transform at, string name)
        {
            if (at.name == name || _guest && JointNames.Find(at.name) == name) return at;
            for (int i = 0; i < at.childCount; i++)
            {
                Transform found = FindDeep(at.GetChild(i), name);
                if (found != null) return found;
            }
            return null;
        }
    }
}
