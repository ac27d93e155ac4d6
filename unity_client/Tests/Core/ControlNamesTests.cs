using System.Collections.Generic;
using NUnit.Framework;

namespace Likeness.Tests
{
    [TestFixture]
    public sealed class ControlNamesTests
    {
        [Test]
        public void EveryControlIsFoundUnderTheNamesThatToolsGiveIt()
        {
            for (int i = 0; i < Controls.Count; i++)
            {
                string name = Controls.Names[i];
                string upper = char.ToUpperInvariant(name[0]) + name.Substring(1);
                string side = name.EndsWith("Left") ? "Left" : name.EndsWith("Right") ? "Right" : "";
                string stem = side == "" ? name : name.Substring(0, name.Length - side.Length);
                string snake = "";
                foreach (char c in name) snake += char.IsUpper(c) ? "_" + char.ToLowerInvariant(c) : c.ToString();
                var names = new List<string> { name, upper, name.ToLowerInvariant(), snake, "blendShape1." + name, "Face_mesh." + name, "ARKit_" + name, "Head:" + upper, "Face|bs_" + name };
                if (side != "") names.AddRange(new[] { stem + "_" + side[0], stem + "." + side[0], "bs_" + stem + "_" + char.ToLowerInvariant(side[0]), "ARKit." + stem + "_" + side[0] });
                foreach (string each in names) Assert.AreEqual(i, ControlNames.Find(each), each);
            }
        }

        [TestCase("")] [TestCase(null)] [TestCase("Fcl_MTH_A")] [TestCase("viseme_aa")] [TestCase("upper_mouthLeft")]
        [TestCase("mouthLeftUp")] [TestCase("L")] [TestCase("_L")] [TestCase("eyeBlink")] [TestCase("...")] [TestCase("head_")]
        public void OtherNamesMeanNone(string name) { Assert.AreEqual(-1, ControlNames.Find(name)); }

        [TestCase("Neck", Joints.Neck)] [TestCase("J_Bip_C_Neck", Joints.Neck)] [TestCase("mixamorig:LeftEye", Joints.LeftEye)]
        [TestCase("left_eye", Joints.LeftEye)] [TestCase("J_Adj_R_FaceEye", Joints.RightEye)] [TestCase("Eye.R", Joints.RightEye)]
        [TestCase("CC_Base_L_Eye", Joints.LeftEye)] [TestCase("jaw", Joints.Jaw)] [TestCase("Hips", null)] [TestCase("necklace", null)]
        public void BonesOfOtherRigsAreFound(string bone, string joint) { Assert.AreEqual(joint, JointNames.Find(bone)); }
    }
}
