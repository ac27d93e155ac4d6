using System;
using System.Collections.Generic;

namespace Likeness
{
    /// <summary>
    /// From the expressions of a headset's face tracking to the 52 controls. Meta's 70 (XR_FB_face_tracking2) and
    /// Android XR's 68 (XR_ANDROID_face_tracking) are the same in their first 63, which follow the facial action
    /// coding system; their tongues differ. The weights are by what the names mean, as in the server's map of
    /// Unified Expressions. Allocates nothing after construction.
    /// </summary>
    public sealed class FaceExpressions
    {
        public const int MetaCount = 70;
        public const int AndroidCount = 68;
        public const int AndroidRegions = 3;

        /// <summary>Names of the expressions that both share, in their order.</summary>
        public static readonly string[] SharedNames =
        {
            "BrowLowererL", "BrowLowererR", "CheekPuffL", "CheekPuffR", "CheekRaiserL", "CheekRaiserR", "CheekSuckL",
            "CheekSuckR", "ChinRaiserB", "ChinRaiserT", "DimplerL", "DimplerR", "EyesClosedL", "EyesClosedR",
            "EyesLookDownL", "EyesLookDownR", "EyesLookLeftL", "EyesLookLeftR", "EyesLookRightL", "EyesLookRightR",
            "EyesLookUpL", "EyesLookUpR", "InnerBrowRaiserL", "InnerBrowRaiserR", "JawDrop", "JawSidewaysLeft",
            "JawSidewaysRight", "JawThrust", "LidTightenerL", "LidTightenerR", "LipCornerDepressorL",
            "LipCornerDepressorR", "LipCornerPullerL", "LipCornerPullerR", "LipFunnelerLB", "LipFunnelerLT",
            "LipFunnelerRB", "LipFunnelerRT", "LipPressorL", "LipPressorR", "LipPuckerL", "LipPuckerR",
            "LipStretcherL", "LipStretcherR", "LipSuckLB", "LipSuckLT", "LipSuckRB", "LipSuckRT", "LipTightenerL",
            "LipTightenerR", "LipsToward", "LowerLipDepressorL", "LowerLipDepressorR", "MouthLeft", "MouthRight",
            "NoseWrinklerL", "NoseWrinklerR", "OuterBrowRaiserL", "OuterBrowRaiserR", "UpperLidRaiserL",
            "UpperLidRaiserR", "UpperLipRaiserL", "UpperLipRaiserR",
        };

        // Control, then pairs of expression and weight. What ARKit has and the trackers do not stays 0.
        private static readonly object[][] Rows =
        {
            new object[] { "eyeBlinkLeft", "EyesClosedL", 1f }, new object[] { "eyeBlinkRight", "EyesClosedR", 1f },
            new object[] { "eyeLookDownLeft", "EyesLookDownL", 1f }, new object[] { "eyeLookDownRight", "EyesLookDownR", 1f },
            // In is towards the nose: the left eye looks right.
            new object[] { "eyeLookInLeft", "EyesLookRightL", 1f }, new object[] { "eyeLookInRight", "EyesLookLeftR", 1f },
            new object[] { "eyeLookOutLeft", "EyesLookLeftL", 1f }, new object[] { "eyeLookOutRight", "EyesLookRightR", 1f },
            new object[] { "eyeLookUpLeft", "EyesLookUpL", 1f }, new object[] { "eyeLookUpRight", "EyesLookUpR", 1f },
            new object[] { "eyeSquintLeft", "LidTightenerL", 1f }, new object[] { "eyeSquintRight", "LidTightenerR", 1f },
            new object[] { "eyeWideLeft", "UpperLidRaiserL", 1f }, new object[] { "eyeWideRight", "UpperLidRaiserR", 1f },
            new object[] { "jawForward", "JawThrust", 1f }, new object[] { "jawLeft", "JawSidewaysLeft", 1f },
            new object[] { "jawRight", "JawSidewaysRight", 1f }, new object[] { "jawOpen", "JawDrop", 1f },
            new object[] { "mouthClose", "LipsToward", 1f },
            new object[] { "mouthFunnel", "LipFunnelerLB", 0.25f, "LipFunnelerLT", 0.25f, "LipFunnelerRB", 0.25f, "LipFunnelerRT", 0.25f },
            new object[] { "mouthPucker", "LipPuckerL", 0.5f, "LipPuckerR", 0.5f },
            new object[] { "mouthLeft", "MouthLeft", 1f }, new object[] { "mouthRight", "MouthRight", 1f },
            new object[] { "mouthSmileLeft", "LipCornerPullerL", 1f }, new object[] { "mouthSmileRight", "LipCornerPullerR", 1f },
            new object[] { "mouthFrownLeft", "LipCornerDepressorL", 1f }, new object[] { "mouthFrownRight", "LipCornerDepressorR", 1f },
            new object[] { "mouthDimpleLeft", "DimplerL", 1f }, new object[] { "mouthDimpleRight", "DimplerR", 1f },
            new object[] { "mouthStretchLeft", "LipStretcherL", 1f }, new object[] { "mouthStretchRight", "LipStretcherR", 1f },
            new object[] { "mouthRollLower", "LipSuckLB", 0.5f, "LipSuckRB", 0.5f },
            new object[] { "mouthRollUpper", "LipSuckLT", 0.5f, "LipSuckRT", 0.5f },
            new object[] { "mouthShrugLower", "ChinRaiserB", 1f }, new object[] { "mouthShrugUpper", "ChinRaiserT", 1f },
            new object[] { "mouthPressLeft", "LipPressorL", 1f }, new object[] { "mouthPressRight", "LipPressorR", 1f },
            new object[] { "mouthLowerDownLeft", "LowerLipDepressorL", 1f }, new object[] { "mouthLowerDownRight", "LowerLipDepressorR", 1f },
            new object[] { "mouthUpperUpLeft", "UpperLipRaiserL", 1f }, new object[] { "mouthUpperUpRight", "UpperLipRaiserR", 1f },
            new object[] { "browDownLeft", "BrowLowererL", 1f }, new object[] { "browDownRight", "BrowLowererR", 1f },
            new object[] { "browInnerUp", "InnerBrowRaiserL", 0.5f, "InnerBrowRaiserR", 0.5f },
            new object[] { "browOuterUpLeft", "OuterBrowRaiserL", 1f }, new object[] { "browOuterUpRight", "OuterBrowRaiserR", 1f },
            new object[] { "cheekPuff", "CheekPuffL", 0.5f, "CheekPuffR", 0.5f },
            new object[] { "cheekSquintLeft", "CheekRaiserL", 1f }, new object[] { "cheekSquintRight", "CheekRaiserR", 1f },
            new object[] { "noseSneerLeft", "NoseWrinklerL", 1f }, new object[] { "noseSneerRight", "NoseWrinklerR", 1f },
            new object[] { "tongueOut", "TongueOut", 1f },
        };

        private struct Term { public int Control, Expression; public float Weight; }
        private readonly Term[] _terms;
        private readonly float[] _held = new float[Controls.Count];
        private readonly int _count;

        /// <summary>Meta's expressions (XrFaceExpression2FB, OVRFaceExpressions.FaceExpression).</summary>
        public static FaceExpressions Meta() { return new FaceExpressions(MetaCount, 68); }
        /// <summary>Android XR's expressions (XrFaceParameterIndicesANDROID).</summary>
        public static FaceExpressions Android() { return new FaceExpressions(AndroidCount, 63); }

        private FaceExpressions(int count, int tongueOut)
        {
            _count = count;
            var terms = new List<Term>();
            foreach (object[] row in Rows)
            {
                for (int i = 1; i < row.Length; i += 2)
                {
                    var name = (string)row[i];
                    terms.Add(new Term
                    {
                        Control = Array.IndexOf(Controls.Names, (string)row[0]),
                        Expression = name == "TongueOut" ? tongueOut : Array.IndexOf(SharedNames, name),
                        Weight = (float)row[i + 1],
                    });
                }
            }
            _terms = terms.ToArray();
        }

        /// <summary>How many weights <see cref="ToControls"/> takes.</summary>
        public int Count { get { return _count; } }

        /// <summary>What moves a control: expression and weight of each part.</summary>
        public IEnumerable<KeyValuePair<int, float>> PartsOf(string control)
        {
            int at = Array.IndexOf(Controls.Names, control);
            foreach (Term t in _terms) if (t.Control == at) yield return new KeyValuePair<int, float>(t.Expression, t.Weight);
        }

        /// <summary>
        /// Weights 0..1 to 52 controls. Where the tracker trusts itself little, the last trusted value stays: each
        /// control is the held one plus confidence times what is new, so that a hidden mouth freezes and does not
        /// twitch. Confidences 0..1: lower face, upper face left, upper face right.
        /// </summary>
        public void ToControls(float[] weights, float lower, float upperLeft, float upperRight, float[] into)
        {
            if (weights == null || weights.Length < _count) throw new ArgumentException(_count + " weights are needed", "weights");
            if (into == null || into.Length != Controls.Count) throw new ArgumentException("52 controls are needed", "into");
            Array.Clear(into, 0, into.Length);
            foreach (Term t in _terms) into[t.Control] += t.Weight * Unit(weights[t.Expression]);
            for (int i = 0; i < into.Length; i++)
            {
                float trust = Unit(IsUpper(i) ? Side(i, upperLeft, upperRight) : lower);
                _held[i] += trust * (Unit(into[i]) - _held[i]);
                into[i] = _held[i];
            }
        }

        /// <summary>The gaze of both eyes (rad, wire frame: pitch + down, yaw + to the person's left) at a full look of 0.6 rad.</summary>
        public static void Gaze(float[] controls, out float pitch, out float yaw)
        {
            const float full = 0.6f;
            pitch = full * 0.5f * (controls[1] + controls[8] - controls[4] - controls[11]);
            yaw = full * 0.5f * (controls[3] - controls[2] + controls[9] - controls[10]);
        }

        private static bool IsUpper(int control) { return control < 14 || control >= 41 && control <= 45; }

        private static float Side(int control, float left, float right)
        {
            if (control == 43) return Math.Min(left, right);   // browInnerUp is of both
            return Controls.Names[control].EndsWith("Left", StringComparison.Ordinal) ? left : right;
        }

        private static float Unit(float v) { return v > 0 ? Math.Min(1f, v) : 0f; }
    }
}
