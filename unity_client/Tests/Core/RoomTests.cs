using NUnit.Framework;

namespace Likeness.Tests
{
    [TestFixture]
    public sealed class RoomTests
    {
        [Test]
        public void ARoomsStateIsRead()
        {
            var state = (RoomState)ServerMessages.Read("{\"state\":{\"room\":\"r1\",\"code\":\"owl-42\",\"floor\":3,\"people\":["
                + "{\"avatar\":3,\"session\":\"s3\",\"name\":\"Ada\",\"role\":\"teacher\",\"moderator\":true},"
                + "{\"session\":\"s4\",\"self\":true,\"muted\":true,\"frozen\":true,\"away\":true}]}}");
            Assert.AreEqual("owl-42", state.Code);
            Assert.AreEqual(3, state.Floor);
            Assert.IsTrue(state.People[0].Moderator);
            Assert.AreEqual("Ada", state.People[0].Name);
            Assert.AreEqual(0, state.Self.Avatar);
            Assert.IsTrue(state.Self.Muted && state.Self.Frozen && state.Self.Away);
        }

        [Test]
        public void AHeaderHasItsSeatOrNone()
        {
            var header = (StreamHeader)ServerMessages.Read("{\"header\":{\"avatar\":1,\"farAvatarUrl\":\"/f.glb\",\"seat\":{\"x\":1.5,\"z\":-2,\"yaw\":0.5}}}");
            Assert.AreEqual(1.5f, header.Seat.Position.X);
            Assert.AreEqual(0f, header.Seat.Position.Y);
            Assert.AreEqual(-2f, header.Seat.Position.Z);
            Assert.AreEqual(0.5f, header.Seat.Yaw);
            Assert.AreEqual("/f.glb", header.FarAvatarUrl);
            Assert.IsNull(((StreamHeader)ServerMessages.Read("{\"header\":{\"avatar\":1}}")).Seat);
        }

        [Test]
        public void OrdersAreWrittenAsTheServerReadsThem()
        {
            Json j = Json.Parse(ClientMessages.Moderate(ModerateAct.GiveFloor, 7, "your \"turn\"", ""))["moderate"];
            Assert.AreEqual("GIVE_FLOOR", j["act"].Text);
            Assert.AreEqual(7, j["avatar"].Int);
            Assert.AreEqual("your \"turn\"", j["reason"].Text);
            Assert.AreEqual("END_ROOM", Json.Parse(ClientMessages.Moderate(ModerateAct.EndRoom, 0, "", ""))["moderate"]["act"].Text);
        }

        [Test]
        public void FaceMessagesAreWrittenAsTheServerReadsThem()
        {
            Assert.IsTrue(Json.Parse(ClientMessages.Consent(true, false))["consent"]["faceCapture"].Bool);
            Assert.IsTrue(Json.Parse(ClientMessages.Calibrate())["calibrate"].Exists);
            Json emotion = Json.Parse(ClientMessages.Emotion("joy", 4f))["emotion"];
            Assert.AreEqual("joy", emotion["name"].Text);
            Assert.AreEqual(1, emotion["weight"].Number);
            var layer = new System.Collections.Generic.Dictionary<string, float> { { "jawOpen", 0.5f }, { "tongueOut", float.NaN } };
            Json controls = Json.Parse(ClientMessages.Override(layer))["override"]["controls"];
            Assert.AreEqual(0.5, controls["jawOpen"].Number, 1e-6);
            Assert.AreEqual(0, controls["tongueOut"].Number);
        }

        [Test]
        public void UnknownMessagesAreNoErrorAndOthersAre()
        {
            Assert.IsNull(ServerMessages.Read("{\"somethingNew\":{}}"));
            Assert.Throws<ProtocolException>(() => ServerMessages.Read("nothing"));
        }
    }
}
