using UnityEngine;

namespace Likeness.Unity
{
    /// <summary>Core's values as Unity's, through <see cref="Handedness"/> and nowhere else.</summary>
    public static class UnityFrame
    {
        public static Vector3 Position(Float3 wire)
        {
            Float3 p = Handedness.Position(wire);
            return new Vector3(p.X, p.Y, p.Z);
        }

        public static Quaternion Rotation(Float3 axisAngle)
        {
            Float4 q = Handedness.Rotation(axisAngle);
            return new Quaternion(q.X, q.Y, q.Z, q.W);
        }

        public static Quaternion Rotation(Float4 wire)
        {
            Float4 q = Handedness.Rotation(wire);
            return new Quaternion(q.X, q.Y, q.Z, q.W);
        }

        public static Float3 ToWire(Vector3 unity) { return Handedness.PositionToWire(new Float3(unity.x, unity.y, unity.z)); }
        public static Float4 ToWire(Quaternion unity) { return Handedness.RotationToWire(new Float4(unity.x, unity.y, unity.z, unity.w)); }
    }
}
