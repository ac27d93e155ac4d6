using Likeness.Unity;
using UnityEngine;

namespace Likeness.Face
{
    /// <summary>
    /// Sends a tracked face as controls, 60 times a second at most, once the person has allowed it. What the
    /// headset's components share.
    /// </summary>
    public sealed class FaceSender
    {
        private const float Every = 1f / 60f;
        private readonly FaceExpressions _map;
        private readonly float[] _controls = new float[Controls.Count];
        private float _next;
        private bool _told;

        public FaceSender(FaceExpressions map) { _map = map; }

        /// <summary>The 52 controls that were sent last.</summary>
        public float[] Sent { get { return _controls; } }

        /// <summary>Tells the server what the person allows; once for each session.</summary>
        public void Allow(LikenessSession session, bool allowed)
        {
            if (session == null || session.State != SessionState.Open) { _told = false; return; }
            if (_told == allowed) return;
            session.Consent(allowed);
            _told = allowed;
        }

        /// <summary>Weights of the headset's expressions; confidences 0..1 of the lower and the upper face.</summary>
        public void Send(LikenessClient client, float[] weights, float lower, float upperLeft, float upperRight, Transform head)
        {
            if (!_told || client.State != SessionState.Open || Time.unscaledTime < _next) return;
            _next = Time.unscaledTime + Every;
            _map.ToControls(weights, lower, upperLeft, upperRight, _controls);
            float pitch, yaw;
            FaceExpressions.Gaze(_controls, out pitch, out yaw);
            Vector3 place = Vector3.zero;
            Quaternion turn = Quaternion.identity;
            if (head != null) client.FromRest(head, out place, out turn);
            client.Session.SendControls(_controls, UnityFrame.ToWire(turn).ToAxisAngle(), pitch, yaw);
        }
    }
}
