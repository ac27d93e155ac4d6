using System;
using System.IO;

namespace Likeness.Tests
{
    /// <summary>Finds protos/vectors: LIKENESS_VECTORS, or upwards from the current folder.</summary>
    internal static class VectorFiles
    {
        internal static Json Read(string name)
        {
            string folder = Environment.GetEnvironmentVariable("LIKENESS_VECTORS");
            for (string at = Directory.GetCurrentDirectory(); folder == null && at != null; at = Path.GetDirectoryName(at))
            {
                string candidate = Path.Combine(at, "protos", "vectors");
                if (Directory.Exists(candidate)) folder = candidate;
            }
            if (folder == null) throw new FileNotFoundException("protos/vectors was not found; set LIKENESS_VECTORS");
            return Json.Parse(File.ReadAllText(Path.Combine(folder, name)));
        }

        internal static byte[] Hex(string text)
        {
            var bytes = new byte[text.Length / 2];
            for (int i = 0; i < bytes.Length; i++) bytes[i] = Convert.ToByte(text.Substring(2 * i, 2), 16);
            return bytes;
        }

        internal static float[] Floats(Json list)
        {
            var values = new float[list.Items.Count];
            for (int i = 0; i < values.Length; i++) values[i] = (float)list.Items[i].Number;
            return values;
        }
    }
}
