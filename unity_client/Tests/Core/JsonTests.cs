using System;
using System.Text;
using NUnit.Framework;

namespace Likeness.Tests
{
    [TestFixture]
    public sealed class JsonTests
    {
        [Test]
        public void Proto3JsonIsRead()
        {
            Json j = Json.Parse("{\"a\": [1, 2.5e1, \"9007199254740993\"], \"b\": {\"c\": true, \"d\": null}, \"e\": \"\\u00e9\\n\\\"\", \"f\": \"AQID\"}");
            Assert.AreEqual(25, j["a"].Items[1].Number);
            Assert.AreEqual(9007199254740993L, j["a"].Items[2].Long);
            Assert.IsTrue(j["b"]["c"].Bool);
            Assert.IsFalse(j["b"]["d"].Exists);
            Assert.AreEqual("\u00e9\n\"", j["e"].Text);
            CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, j["f"].Bytes);
            Assert.AreEqual("", j["missing"]["deeper"].Text);
        }

        [TestCase("")] [TestCase("{")] [TestCase("[1,]")] [TestCase("{\"a\" 1}")] [TestCase("tru")] [TestCase("\"open")]
        [TestCase("1 2")] [TestCase("{\"a\":\"\\x\"}")] [TestCase("\"\\u12\"")]
        public void WhatIsNoJsonIsRefusedInWords(string text)
        {
            var error = Assert.Throws<ProtocolException>(() => Json.Parse(text));
            StringAssert.Contains("JSON text", error.Message);
        }

        [Test]
        public void DepthIsBounded()
        {
            Assert.Throws<ProtocolException>(() => Json.Parse(new string('[', 100000)));
        }

        [Test]
        public void RandomTextsAreReadOrRefused()
        {
            var random = new Random(5);
            const string alphabet = "{}[]\",:0123456789.eE+-truefalsn \\u\n";
            for (int n = 0; n < 50000; n++)
            {
                var b = new StringBuilder();
                for (int k = random.Next(40); k > 0; k--) b.Append(alphabet[random.Next(alphabet.Length)]);
                try { Json.Parse(b.ToString()); } catch (ProtocolException) { }
            }
        }

        [Test]
        public void QuotedTextsComeBack()
        {
            const string text = "a\"b\\c\n\t\u0001\u00e9\ud83d\ude00</script>";
            Assert.AreEqual(text, Json.Parse(Json.Quote(text)).Text);
        }
    }
}
