using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>
    /// Sends where the person's head and hands are, 30 times a second, so that their character moves with them
    /// and others' characters look at them. Give it the XR rig's camera and hand (or controller) transforms.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness Body")]
    [DisallowMultipleComponent]
    public sealed class LikenessBody : MonoBehaviour
    {
        [SerializeField] private LikenessClient client;
        [Tooltip("The head: the XR camera. Empty: the main camera.")]
        [SerializeField] private Transform head;
        [SerializeField] private Transform leftHand;
        [SerializeField] private Transform rightHand;
        [Tooltip("Drive the own character's head and hands. Off: only tell where to look.")]
        [SerializeField] private bool embody = true;
        [Range(10, 72)] [SerializeField] private int sendsPerSecond = 30;

        private float _next;

        /// <summary>0..1, for the character's fingers; set them from your input actions.</summary>
        public float LeftGrip { get; set; }
        public float RightGrip { get; set; }
        public float LeftPinch { get; set; }
        public float RightPinch { get; set; }

        private void OnEnable()
        {
            if (client == null) client = FindAnyObjectByType<LikenessClient>();
        }

        private void Update()
        {
            if (client == null || client.State != SessionState.Open || Time.unscaledTime < _next) return;
            _next = Time.unscaledTime + 1f / sendsPerSecond;
            Transform at = head != null ? head : (Camera.main != null ? Camera.main.transform : null);
            if (at == null) return;
            Transform room = client.transform;
            Vector3 position = room.InverseTransformPoint(at.position);
            if (!embody)
            {
                client.Session.SendListener(UnityFrame.ToWire(position));
                return;
            }
            Quaternion rotation = Quaternion.Inverse(room.rotation) * at.rotation;
            HandPose? left = null, right = null;
            if (leftHand != null && rightHand != null)
            {
                left = Hand(leftHand, room, LeftGrip, LeftPinch);
                right = Hand(rightHand, room, RightGrip, RightPinch);
            }
            client.Session.SendPose(UnityFrame.ToWire(position), UnityFrame.ToWire(rotation), left, right);
        }

        private static HandPose Hand(Transform hand, Transform room, float grip, float pinch)
        {
            return new HandPose
            {
                Position = UnityFrame.ToWire(room.InverseTransformPoint(hand.position)),
                Rotation = UnityFrame.ToWire(Quaternion.Inverse(room.rotation) * hand.rotation),
                Grip = grip,
                Pinch = pinch,
            };
        }
    }
}
