#if LIKENESS_ANDROIDXR_FACE
using Google.XR.Extensions;
using Likeness.Unity;
using UnityEngine;

namespace Likeness.Face
{
    /// <summary>
    /// The wearer's own face, as an Android XR headset sees it, drives their character. Needs Google's Android XR
    /// extensions for Unity, an XRFaceTrackingManager and the wearer's permission.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness Android XR Face")]
    [DisallowMultipleComponent]
    public sealed class AndroidXRFace : MonoBehaviour
    {
        [Tooltip("The connection. Empty: the one in the scene.")]
        [SerializeField] private LikenessClient client;
        [Tooltip("Google's component; empty: the one in the scene.")]
        [SerializeField] private XRFaceTrackingManager tracking;
        [Tooltip("The head: the XR camera. Empty: the main camera.")]
        [SerializeField] private Transform head;
        [Tooltip("The person has agreed that their face drives the character. Set it from your own question to them.")]
        [SerializeField] private bool allowed;

        private readonly FaceSender _sender = new FaceSender(FaceExpressions.Android());

        /// <summary>What the person allows; false stops it at once.</summary>
        public bool Allowed { get { return allowed; } set { allowed = value; } }

        private void OnEnable()
        {
            if (client == null) client = FindAnyObjectByType<LikenessClient>();
            if (tracking == null) tracking = FindAnyObjectByType<XRFaceTrackingManager>();
            if (tracking == null) Debug.LogError("Likeness: there is no XRFaceTrackingManager in the scene; add one (Android XR extensions).", this);
        }

        private void Update()
        {
            if (client == null || tracking == null) return;
            _sender.Allow(client.Session, allowed);
            XRFaceState face = tracking.Face;
            if (!allowed || !face.IsValid || face.TrackingState != XRFaceTrackingStates.Tracking
                || face.Parameters == null || face.Parameters.Length < FaceExpressions.AndroidCount) return;
            float[] trust = face.ConfidenceRegions;
            bool told = trust != null && trust.Length >= FaceExpressions.AndroidRegions;
            Transform at = head != null ? head : (Camera.main != null ? Camera.main.transform : null);
            _sender.Send(client, face.Parameters, told ? trust[0] : 1f, told ? trust[1] : 1f, told ? trust[2] : 1f, at);
        }
    }
}
#endif
