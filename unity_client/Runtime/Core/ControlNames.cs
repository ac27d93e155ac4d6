using System;
using System.Collections.Generic;
using System.Text;

namespace Likeness
{
    /// <summary>
    /// Finds the control that a blend shape's name means: `eyeBlinkLeft`, `EyeBlink_L`, `Head.eye_blink_left`,
    /// `ARKit_mouthSmileRight`, `blendShape1.jawOpen`. The server reads the names of guests alike.
    /// </summary>
    public static class ControlNames
    {
        private static readonly Dictionary<string, int> ByKey = Keys();
        private static readonly HashSet<string> Prefixes = new HashSet<string>(StringComparer.Ordinal)
        {
            "arkit", "blendshape", "blendshapes", "bs", "shape", "face", "head", "body", "expression", "expressions",
            "ctrl", "morph", "morphs", "fac", "facs", "wolf3d",
        };

        /// <summary>The control's number in <see cref="Controls.Names"/>; -1 for a name that means none.</summary>
        public static int Find(string name)
        {
            if (string.IsNullOrEmpty(name)) return -1;
            int found = Exact(name);
            if (found >= 0) return found;
            int cut = name.LastIndexOfAny(new[] { '.', ':', '|', '/' });
            if (cut >= 0)
            {
                found = Find(name.Substring(cut + 1));
                if (found >= 0) return found;
            }
            // Only prefixes that say nothing may go: "upper_mouthLeft" is not mouthLeft.
            int mark = name.IndexOfAny(new[] { '_', '-', ' ' });
            if (mark <= 0) return -1;
            string first = name.Substring(0, mark).TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9').ToLowerInvariant();
            return Prefixes.Contains(first) ? Find(name.Substring(mark + 1)) : -1;
        }

        private static int Exact(string name)
        {
            int found;
            return ByKey.TryGetValue(Key(name), out found) ? found : -1;
        }

        /// <summary>Letters and digits in small, a last separated L or R spelled out.</summary>
        private static string Key(string name)
        {
            string side = "";
            int n = name.Length;
            if (n > 2 && "_. -".IndexOf(name[n - 2]) >= 0 && "LlRr".IndexOf(name[n - 1]) >= 0)
            {
                side = name[n - 1] == 'L' || name[n - 1] == 'l' ? "left" : "right";
                n -= 2;
            }
            var b = new StringBuilder(n + 5);
            for (int i = 0; i < n; i++)
            {
                char c = char.ToLowerInvariant(name[i]);
                if (c >= 'a' && c <= 'z' || c >= '0' && c <= '9') b.Append(c);
            }
            return b.Append(side).ToString();
        }

        private static Dictionary<string, int> Keys()
        {
            var keys = new Dictionary<string, int>(StringComparer.Ordinal);
            for (int i = 0; i < Controls.Count; i++) keys[Key(Controls.Names[i])] = i;
            return keys;
        }
    }

    /// <summary>Finds the joint of ours that a third-party rig's bone is: `Neck`, `J_Bip_C_Neck`, `mixamorig:LeftEye`.</summary>
    public static class JointNames
    {
        private static readonly KeyValuePair<string, string>[] Endings =
        {
            new KeyValuePair<string, string>("lefteye", Joints.LeftEye), new KeyValuePair<string, string>("eyeleft", Joints.LeftEye),
            new KeyValuePair<string, string>("eyel", Joints.LeftEye), new KeyValuePair<string, string>("leye", Joints.LeftEye),
            new KeyValuePair<string, string>("lfaceeye", Joints.LeftEye), new KeyValuePair<string, string>("lefteyebone", Joints.LeftEye),
            new KeyValuePair<string, string>("righteye", Joints.RightEye), new KeyValuePair<string, string>("eyeright", Joints.RightEye),
            new KeyValuePair<string, string>("eyer", Joints.RightEye), new KeyValuePair<string, string>("reye", Joints.RightEye),
            new KeyValuePair<string, string>("rfaceeye", Joints.RightEye), new KeyValuePair<string, string>("righteyebone", Joints.RightEye),
            new KeyValuePair<string, string>("neck", Joints.Neck), new KeyValuePair<string, string>("jaw", Joints.Jaw),
        };

        /// <summary>One of <see cref="Joints"/>; null for a bone that is none of them.</summary>
        public static string Find(string bone)
        {
            if (string.IsNullOrEmpty(bone)) return null;
            string[] parts = bone.ToLowerInvariant().Split(new[] { '.', ':', '|', '/', '_', '-', ' ' }, StringSplitOptions.RemoveEmptyEntries);
            // The last word, or the last two or three: "left_eye", "mixamorig:LeftEye", "J_Adj_L_FaceEye".
            string ending = "";
            for (int i = parts.Length - 1; i >= 0 && i >= parts.Length - 3; i--)
            {
                ending = parts[i] + ending;
                foreach (KeyValuePair<string, string> pair in Endings) if (pair.Key == ending) return pair.Value;
            }
            return null;
        }
    }
}
