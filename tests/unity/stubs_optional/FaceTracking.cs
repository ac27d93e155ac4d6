// Signatures of Meta's XR Core SDK and Google's Android XR extensions, for compiling only. Never shipped, never run.
#pragma warning disable 67, 649, 169, 414
using System.Collections;
using System.Collections.Generic;
using UnityEngine;

public class OVRFaceExpressions : MonoBehaviour, IReadOnlyCollection<float>
{
    public enum FaceRegionConfidence { Lower, Upper, Max }
    public bool ValidExpressions { get { return false; } }
    public int Count { get { return 0; } }
    public void CopyTo(float[] array, int startIndex = 0) { }
    public bool TryGetWeightConfidence(FaceRegionConfidence region, out float confidence) { confidence = 0; return false; }
    public IEnumerator<float> GetEnumerator() { return null; }
    IEnumerator IEnumerable.GetEnumerator() { return null; }
}

namespace Google.XR.Extensions
{
    public enum XRFaceTrackingStates { Paused, Stopped, Tracking }
    public struct XRFaceState { public float[] Parameters; public float[] ConfidenceRegions; public XRFaceTrackingStates TrackingState; public ulong Timestamp; public bool IsValid; }
    public class XRFaceTrackingManager : MonoBehaviour { public XRFaceState Face { get { return default(XRFaceState); } } }
}
