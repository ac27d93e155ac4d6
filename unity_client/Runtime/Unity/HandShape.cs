using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>A plain hand: palm, fingers and thumb as boxes that curl with grip and pinch. Its origin is the wrist.</summary>
    internal sealed class HandShape
    {
        private readonly GameObject _hand;
        private readonly Transform _fingers, _index, _thumb;

        internal HandShape(string name, Transform parent, bool left)
        {
            _hand = new GameObject(name);
            _hand.transform.SetParent(parent, false);
            // The wire's hand points along -z with its back up; mirrored in x, it still does. The left thumb is at -x here.
            Box("Palm", _hand.transform, new Vector3(0, 0, -0.045f), new Vector3(0.08f, 0.025f, 0.09f));
            _fingers = Joint("Fingers", new Vector3(left ? 0.012f : -0.012f, 0, -0.09f));
            Box("Three", _fingers, new Vector3(0, 0, -0.04f), new Vector3(0.055f, 0.018f, 0.08f));
            _index = Joint("Index", new Vector3(left ? -0.03f : 0.03f, 0, -0.09f));
            Box("One", _index, new Vector3(0, 0, -0.04f), new Vector3(0.018f, 0.018f, 0.08f));
            _thumb = Joint("Thumb", new Vector3(left ? -0.045f : 0.045f, 0, -0.03f));
            Box("Thumb", _thumb, new Vector3(left ? -0.015f : 0.015f, 0, -0.025f), new Vector3(0.022f, 0.02f, 0.055f));
        }

        internal void Show(Vector3 head, HandPose pose)
        {
            if (!_hand.activeSelf) _hand.SetActive(true);
            _hand.transform.localPosition = head + UnityFrame.Position(pose.Position);
            _hand.transform.localRotation = UnityFrame.Rotation(pose.Rotation);
            _fingers.localRotation = Quaternion.Euler(-95f * pose.Grip, 0, 0);
            _index.localRotation = Quaternion.Euler(-Mathf.Max(95f * pose.Grip, 55f * pose.Pinch), 0, 0);
            _thumb.localRotation = Quaternion.Euler(-25f * Mathf.Max(pose.Grip, pose.Pinch), 0, 0);
        }

        internal void Hide() { if (_hand != null && _hand.activeSelf) _hand.SetActive(false); }
        internal void Destroy() { if (_hand != null) Object.Destroy(_hand); }

        private Transform Joint(string name, Vector3 at)
        {
            Transform joint = new GameObject(name).transform;
            joint.SetParent(_hand.transform, false);
            joint.localPosition = at;
            return joint;
        }

        private static void Box(string name, Transform parent, Vector3 at, Vector3 size)
        {
            GameObject box = GameObject.CreatePrimitive(PrimitiveType.Cube);
            Object.Destroy(box.GetComponent<Collider>());
            box.name = name;
            box.transform.SetParent(parent, false);
            box.transform.localPosition = at;
            box.transform.localScale = size;
        }
    }
}
