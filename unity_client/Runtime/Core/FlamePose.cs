using System;

namespace Likeness
{
    /// <summary>A hand: position relative to the head (m), rotation, grip and pinch 0..1.</summary>
    public struct HandPose
    {
        public Float3 Position;
        public Float4 Rotation;
        public float Grip;
        public float Pinch;
    }

    /// <summary>
    /// One instant of one performer: what the server calls a FlameFrame. Reused, so that a running client
    /// allocates nothing per frame. Angles are axis-angle in radians, in the wire's right-handed frame.
    /// </summary>
    public sealed class FlamePose
    {
        public ushort Avatar;
        public ushort Epoch;
        public byte Driver;
        public byte Flags;
        public uint Sequence;
        /// <summary>Media clock, 48 kHz.</summary>
        public long Sample;
        public float EyelidLeft, EyelidRight;
        public Float3 Jaw, Neck;
        public Float3 EyeLeft, EyeRight;
        public Float3 HeadRotation, HeadTranslation;
        /// <summary>psi; the first <see cref="Components"/> values count.</summary>
        public readonly float[] Expression = new float[Wire.MaxComponents];
        public int Components;
        public bool HasHands;
        public HandPose HandLeft, HandRight;

        public bool Voiced { get { return (Flags & Wire.FlagVoiced) != 0; } }
        public bool Tracked { get { return (Flags & Wire.FlagTracked) != 0; } }
        public bool End { get { return (Flags & Wire.FlagEnd) != 0; } }

        public void CopyFrom(FlamePose o)
        {
            CopyMetaFrom(o);
            EyelidLeft = o.EyelidLeft; EyelidRight = o.EyelidRight;
            Jaw = o.Jaw; Neck = o.Neck; EyeLeft = o.EyeLeft; EyeRight = o.EyeRight;
            HeadRotation = o.HeadRotation; HeadTranslation = o.HeadTranslation;
            HandLeft = o.HandLeft; HandRight = o.HandRight;
            Array.Copy(o.Expression, Expression, o.Components);
        }

        /// <summary>This pose becomes a + (b - a) t; counters and flags come from b.</summary>
        public void Interpolate(FlamePose a, FlamePose b, float t)
        {
            CopyMetaFrom(b);
            Sample = a.Sample + (long)((b.Sample - a.Sample) * (double)t);
            EyelidLeft = a.EyelidLeft + (b.EyelidLeft - a.EyelidLeft) * t;
            EyelidRight = a.EyelidRight + (b.EyelidRight - a.EyelidRight) * t;
            Jaw = Float3.Lerp(a.Jaw, b.Jaw, t);
            Neck = Float3.Lerp(a.Neck, b.Neck, t);
            EyeLeft = Float3.Lerp(a.EyeLeft, b.EyeLeft, t);
            EyeRight = Float3.Lerp(a.EyeRight, b.EyeRight, t);
            HeadRotation = Float3.Lerp(a.HeadRotation, b.HeadRotation, t);
            HeadTranslation = Float3.Lerp(a.HeadTranslation, b.HeadTranslation, t);
            HasHands = a.HasHands && b.HasHands;
            if (HasHands)
            {
                HandLeft = Mix(a.HandLeft, b.HandLeft, t);
                HandRight = Mix(a.HandRight, b.HandRight, t);
            }
            int n = Math.Min(a.Components, b.Components);
            Components = n;
            float[] ea = a.Expression, eb = b.Expression, e = Expression;
            for (int i = 0; i < n; i++) e[i] = ea[i] + (eb[i] - ea[i]) * t;
        }

        /// <summary>
        /// Eases the face towards rest by the factor k (1 keeps, 0 is rest). The place of the head stays, so
        /// that a performer whose stream stops does not jump.
        /// </summary>
        public void Ease(float k)
        {
            Jaw = Jaw * k; EyeLeft = EyeLeft * k; EyeRight = EyeRight * k; Neck = Neck * k;
            EyelidLeft *= k; EyelidRight *= k;
            for (int i = 0; i < Components; i++) Expression[i] *= k;
        }

        private void CopyMetaFrom(FlamePose o)
        {
            Avatar = o.Avatar; Epoch = o.Epoch; Driver = o.Driver; Flags = o.Flags;
            Sequence = o.Sequence; Sample = o.Sample; Components = o.Components; HasHands = o.HasHands;
        }

        private static HandPose Mix(HandPose a, HandPose b, float t)
        {
            return new HandPose
            {
                Position = Float3.Lerp(a.Position, b.Position, t),
                Rotation = Float4.Nlerp(a.Rotation, b.Rotation, t),
                Grip = a.Grip + (b.Grip - a.Grip) * t,
                Pinch = a.Pinch + (b.Pinch - a.Pinch) * t,
            };
        }
    }
}
