#if LIKENESS_META_FACE
using Likeness.Unity;
using UnityEngine;

namespace Likeness.Face
{
    /// <summary>
    /// The wearer's own face, as a Quest with face tracking sees it (or hears it, where there are no cameras),
    /// drives their character. Needs Meta's XR Core SDK, an OVRFaceExpressions and the wearer's permission.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness Meta Face")]
    [DisallowMultipleComponent]
    public sealed class MetaFace : MonoBehaviour
    {
        [Tooltip("The connection. Empty: the one in the scene.")]
        [SerializeField] private LikenessClient client;
        [Tooltip("Meta's component; empty: the one in the scene.")]
        [SerializeField] private OVRFaceExpressions expressions;
        [Tooltip("The head: the XR camera. Empty: the main camera.")]
        [SerializeField] private Transform head;
        [Tooltip("The person has agreed that their face drives the character. Set it from your own question to them.")]
        [SerializeField] private bool allowed;

        private readonly FaceSender _sender = new FaceSender(FaceExpressions.Meta());
        private readonly float[] _weights = new float[FaceExpressions.MetaCount + 2];

        /// <summary>What the person allows; false stops it at once.</summary>
        public bool Allowed { get { return allowed; } set { allowed = value; } }

        private void OnEnable()
        {
            if (client == null) client = FindAnyObjectByType<LikenessClient>();
            if (expressions == null) expressions = FindAnyObjectByType<OVRFaceExpressions>();
            if (expressions == null) Debug.LogError("Likeness: there is no OVRFaceExpressions in the scene; add one (Meta XR Core SDK).", this);
        }

        private void Update()
        {
            if (client == null || expressions == null) return;
            _sender.Allow(client.Session, allowed);
            if (!allowed || !expressions.ValidExpressions || expressions.Count > _weights.Length) return;
            expressions.CopyTo(_weights);
            float lower, upper;
            if (!expressions.TryGetWeightConfidence(OVRFaceExpressions.FaceRegionConfidence.Lower, out lower)) lower = 1f;
            if (!expressions.TryGetWeightConfidence(OVRFaceExpressions.FaceRegionConfidence.Upper, out upper)) upper = 1f;
            Transform at = head != null ? head : (Camera.main != null ? Camera.main.transform : null);
            _sender.Send(client, _weights, lower, upper, upper, at);
        }
    }
}
#endif
