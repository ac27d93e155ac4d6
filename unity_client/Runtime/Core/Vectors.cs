using System;

namespace Likeness
{
    /// <summary>Three floats, in the wire's frame: right-handed, y up, the face towards +z. Metres or radians.</summary>
    public struct Float3
    {
        public float X, Y, Z;
        public Float3(float x, float y, float z) { X = x; Y = y; Z = z; }
        public static Float3 Lerp(Float3 a, Float3 b, float t)
        {
            return new Float3(a.X + (b.X - a.X) * t, a.Y + (b.Y - a.Y) * t, a.Z + (b.Z - a.Z) * t);
        }
        public static Float3 operator *(Float3 a, float s) { return new Float3(a.X * s, a.Y * s, a.Z * s); }
        public float Length { get { return (float)Math.Sqrt(X * X + Y * Y + Z * Z); } }
        public override string ToString() { return "(" + X + ", " + Y + ", " + Z + ")"; }
    }

    /// <summary>A unit quaternion.</summary>
    public struct Float4
    {
        public float X, Y, Z, W;
        public Float4(float x, float y, float z, float w) { X = x; Y = y; Z = z; W = w; }
        public static readonly Float4 Identity = new Float4(0, 0, 0, 1);

        /// <summary>The rotation about an axis-angle vector (radians).</summary>
        public static Float4 FromAxisAngle(Float3 v)
        {
            float angle = v.Length;
            // sin(a/2)/a near 0 is 1/2 - a^2/48
            float k = angle < 1e-3f ? 0.5f - angle * angle / 48f : (float)Math.Sin(angle * 0.5f) / angle;
            return new Float4(v.X * k, v.Y * k, v.Z * k, (float)Math.Cos(angle * 0.5f));
        }

        /// <summary>The axis-angle vector (radians, the shorter way) of a unit quaternion.</summary>
        public Float3 ToAxisAngle()
        {
            float flip = W < 0 ? -1f : 1f;
            float n = (float)Math.Sqrt(X * X + Y * Y + Z * Z);
            float k = flip * (n < 1e-4f ? 2f : 2f * (float)Math.Atan2(n, flip * W) / n);
            return new Float3(X * k, Y * k, Z * k);
        }

        /// <summary>Normalised linear interpolation along the shorter way.</summary>
        public static Float4 Nlerp(Float4 a, Float4 b, float t)
        {
            float dot = a.X * b.X + a.Y * b.Y + a.Z * b.Z + a.W * b.W;
            float s = dot < 0 ? -t : t;
            float k = 1 - t;
            var q = new Float4(a.X * k + b.X * s, a.Y * k + b.Y * s, a.Z * k + b.Z * s, a.W * k + b.W * s);
            float n = (float)Math.Sqrt(q.X * q.X + q.Y * q.Y + q.Z * q.Z + q.W * q.W);
            if (n < 1e-6f) return Identity;
            return new Float4(q.X / n, q.Y / n, q.Z / n, q.W / n);
        }
    }

    /// <summary>
    /// The one place where the wire's right-handed frame becomes Unity's left-handed one: x is mirrored, as
    /// glTFast does with the meshes it loads.
    /// </summary>
    public static class Handedness
    {
        public static Float3 Position(Float3 p) { return new Float3(-p.X, p.Y, p.Z); }
        public static Float4 Rotation(Float4 q) { return new Float4(q.X, -q.Y, -q.Z, q.W); }
        /// <summary>Axis-angle of the wire to a Unity quaternion.</summary>
        public static Float4 Rotation(Float3 axisAngle) { return Rotation(Float4.FromAxisAngle(axisAngle)); }
        /// <summary>A Unity position or rotation back to the wire (the mirror is its own inverse).</summary>
        public static Float3 PositionToWire(Float3 p) { return Position(p); }
        public static Float4 RotationToWire(Float4 q) { return Rotation(q); }
    }
}
