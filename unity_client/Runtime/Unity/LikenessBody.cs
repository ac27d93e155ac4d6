using UnityEngine;
using UnityEngine.InputSystem;

namespace Likeness.Unity
{
    /// <summary>
    /// Sends where the person's head and hands are, 30 times a second, so that their character moves with them
    /// and others' characters look at them. Give it the XR rig's camera and hand (or controller) transforms. Where
    /// the head is when the session opens is its rest; <see cref="Recenter"/> takes another.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness Body")]
    [DisallowMultipleComponent]
    public sealed class LikenessBody : MonoBehaviour
    {
        [Tooltip("The connection. Empty: the one in the scene.")]
        [SerializeField] private LikenessClient client;
        [Tooltip("The head: the XR camera. Empty: the main camera.")]
        [SerializeField] private Transform head;
        [Tooltip("The left wrist: -z to the fingers, +y out of the back of the hand.")]
        [SerializeField] private Transform leftHand;
        [Tooltip("The right wrist, alike.")]
        [SerializeField] private Transform rightHand;
        [Tooltip("0..1: closes the left hand. XRI's starter assets: XRI LeftHand Interaction/Select Value.")]
        [SerializeField] private InputActionProperty leftGripAction;
        [Tooltip("0..1: closes the right hand.")]
        [SerializeField] private InputActionProperty rightGripAction;
        [Tooltip("0..1: brings left thumb and index together. XRI's: Activate Value.")]
        [SerializeField] private InputActionProperty leftPinchAction;
        [Tooltip("0..1: brings right thumb and index together.")]
        [SerializeField] private InputActionProperty rightPinchAction;
        [Tooltip("Drive the own character's head and hands. Off: only tell where to look.")]
        [SerializeField] private bool embody = true;
        [Tooltip("How often head and hands are sent.")]
        [Range(10, 72)] [SerializeField] private int sendsPerSecond = 30;

        private float _next;

        /// <summary>0..1, for the character's fingers, where no action is given.</summary>
        public float LeftGrip { get; set; }
        public float RightGrip { get; set; }
        public float LeftPinch { get; set; }
        public float RightPinch { get; set; }

        /// <summary>The head rests here, and looks ahead there: after the person has sat down, or the rig was moved.</summary>
        public void Recenter()
        {
            Transform at = Head();
            if (client != null && at != null) client.Recenter(at);
        }

        private void OnEnable()
        {
            if (client == null) client = FindAnyObjectByType<LikenessClient>();
            Enable(leftGripAction); Enable(rightGripAction); Enable(leftPinchAction); Enable(rightPinchAction);
        }

        private static void Enable(InputActionProperty property)
        {
            // Actions of an asset are enabled by who owns it; one made in this inspector has no other owner.
            if (property.action != null && property.reference == null) property.action.Enable();
        }

        private static float Value(InputActionProperty property, float otherwise)
        {
            return property.action != null && property.action.enabled ? property.action.ReadValue<float>() : otherwise;
        }

        private Transform Head() { return head != null ? head : (Camera.main != null ? Camera.main.transform : null); }

        private void Update()
        {
            if (client == null || client.State != SessionState.Open || Time.unscaledTime < _next) return;
            _next = Time.unscaledTime + 1f / sendsPerSecond;
            Transform at = Head();
            if (at == null) return;
            if (!embody)
            {
                SendListener(at);
                return;
            }
            Vector3 position; Quaternion rotation;
            client.FromRest(at, out position, out rotation);
            HandPose? left = null, right = null;
            if (leftHand != null && rightHand != null)
            {
                left = Hand(leftHand, Value(leftGripAction, LeftGrip), Value(leftPinchAction, LeftPinch));
                right = Hand(rightHand, Value(rightGripAction, RightGrip), Value(rightPinchAction, RightPinch));
            }
            client.Session.SendPose(UnityFrame.ToWire(position), UnityFrame.ToWire(rotation), left, right);
        }

        /// <summary>Where the own character should look: the listener as seen from its seat.</summary>
        private void SendListener(Transform at)
        {
            LikenessAvatar own = client.Session.Welcome != null ? client.AvatarOf(client.Session.Welcome.Avatar) : null;
            Transform seat = own != null ? own.transform : client.transform;
            client.Session.SendListener(UnityFrame.ToWire(seat.InverseTransformPoint(at.position)));
        }

        private HandPose Hand(Transform hand, float grip, float pinch)
        {
            Vector3 position; Quaternion rotation;
            client.FromRest(hand, out position, out rotation);
            return new HandPose
            {
                Position = UnityFrame.ToWire(position),
                Rotation = UnityFrame.ToWire(rotation),
                Grip = grip,
                Pinch = pinch,
            };
        }
    }
}
