using System.Collections.Generic;
using NUnit.Framework;

namespace Likeness.Tests
{
    [TestFixture]
    public sealed class FaceExpressionsTests
    {
        private static int Control(string name) { return System.Array.IndexOf(Controls.Names, name); }
        private static int Expression(string name) { return System.Array.IndexOf(FaceExpressions.SharedNames, name); }

        [Test]
        public void BothHeadsetsShareTheirFirst63Expressions()
        {
            Assert.AreEqual(63, FaceExpressions.SharedNames.Length);
            CollectionAssert.AllItemsAreUnique(FaceExpressions.SharedNames);
            // A few places of XrFaceExpression2FB and XrFaceParameterIndicesANDROID.
            Assert.AreEqual(12, Expression("EyesClosedL"));
            Assert.AreEqual(24, Expression("JawDrop"));
            Assert.AreEqual(32, Expression("LipCornerPullerL"));
            Assert.AreEqual(50, Expression("LipsToward"));
            Assert.AreEqual(62, Expression("UpperLipRaiserR"));
        }

        [Test]
        public void EveryControlHasItsPartsAndTheyAddUpToOne()
        {
            foreach (FaceExpressions map in new[] { FaceExpressions.Meta(), FaceExpressions.Android() })
            {
                foreach (string control in Controls.Names)
                {
                    float sum = 0;
                    foreach (KeyValuePair<int, float> part in map.PartsOf(control))
                    {
                        Assert.That(part.Key, Is.InRange(0, map.Count - 1), control);
                        sum += part.Value;
                    }
                    Assert.AreEqual(1f, sum, 1e-6, control);
                }
            }
        }

        [Test]
        public void TheTonguesDiffer()
        {
            var controls = new float[52];
            var weights = new float[70];
            weights[68] = 1;
            FaceExpressions.Meta().ToControls(weights, 1, 1, 1, controls);
            Assert.AreEqual(1f, controls[Control("tongueOut")]);
            weights[68] = 0; weights[63] = 1;
            FaceExpressions.Android().ToControls(weights, 1, 1, 1, controls);
            Assert.AreEqual(1f, controls[Control("tongueOut")]);
            FaceExpressions.Meta().ToControls(weights, 1, 1, 1, controls);
            Assert.AreEqual(0f, controls[Control("tongueOut")], "63 is a place of the tongue's tip there");
        }

        [Test]
        public void LeftStaysLeft()
        {
            FaceExpressions map = FaceExpressions.Meta();
            for (int e = 0; e < FaceExpressions.SharedNames.Length; e++)
            {
                var weights = new float[70];
                weights[e] = 1;
                var controls = new float[52];
                map = FaceExpressions.Meta();
                map.ToControls(weights, 1, 1, 1, controls);
                string name = FaceExpressions.SharedNames[e];
                for (int c = 0; c < 52; c++)
                {
                    if (controls[c] == 0 || name.StartsWith("EyesLook")) continue;
                    if (Controls.Names[c].EndsWith("Left")) Assert.IsTrue(name.EndsWith("L") || name.EndsWith("Left"), name + " moves " + Controls.Names[c]);
                    if (Controls.Names[c].EndsWith("Right")) Assert.IsTrue(name.EndsWith("R") || name.EndsWith("Right"), name + " moves " + Controls.Names[c]);
                }
            }
        }

        [Test]
        public void BothEyesThatLookLeftMakeOneGaze()
        {
            var weights = new float[70];
            weights[Expression("EyesLookLeftL")] = weights[Expression("EyesLookLeftR")] = 0.5f;
            weights[Expression("EyesLookDownL")] = weights[Expression("EyesLookDownR")] = 1f;
            var controls = new float[52];
            FaceExpressions.Meta().ToControls(weights, 1, 1, 1, controls);
            float pitch, yaw;
            FaceExpressions.Gaze(controls, out pitch, out yaw);
            Assert.AreEqual(0.6f, pitch, 1e-5);
            Assert.AreEqual(0.3f, yaw, 1e-5);
        }

        [Test]
        public void WhatIsNotTrustedIsHeld()
        {
            FaceExpressions map = FaceExpressions.Android();
            var weights = new float[68];
            var controls = new float[52];
            weights[Expression("JawDrop")] = 0.8f;
            weights[Expression("BrowLowererL")] = weights[Expression("BrowLowererR")] = 0.6f;
            map.ToControls(weights, 1, 1, 1, controls);
            weights[Expression("JawDrop")] = 0;
            weights[Expression("BrowLowererL")] = weights[Expression("BrowLowererR")] = 0;
            map.ToControls(weights, 0, 1, 0, controls);
            Assert.AreEqual(0.8f, controls[Control("jawOpen")], 1e-6, "the lower face is hidden");
            Assert.AreEqual(0f, controls[Control("browDownLeft")], 1e-6);
            Assert.AreEqual(0.6f, controls[Control("browDownRight")], 1e-6);
        }

        [Test]
        public void WildWeightsStayWithinTheControls()
        {
            var random = new System.Random(9);
            FaceExpressions map = FaceExpressions.Meta();
            var weights = new float[70];
            var controls = new float[52];
            for (int n = 0; n < 2000; n++)
            {
                for (int i = 0; i < weights.Length; i++)
                    weights[i] = random.Next(20) == 0 ? float.NaN : (float)(random.NextDouble() * 6 - 3);
                map.ToControls(weights, (float)random.NextDouble() * 3 - 1, 1, float.NaN, controls);
                foreach (float c in controls) Assert.That(c, Is.InRange(0f, 1f));
            }
        }
    }
}
