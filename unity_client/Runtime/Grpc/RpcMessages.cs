using System;
using System.Collections.Generic;
using Google.Protobuf;
using Proto = Likeness.V1;

namespace Likeness.Rpc
{
    /// <summary>
    /// Between the core's messages and the generated ones, member by member: reflection over descriptors is what
    /// IL2CPP's stripping breaks.
    /// </summary>
    public static class RpcMessages
    {
        /// <summary>What <see cref="ClientMessages"/> wrote, as the gRPC message; null for a kind that is unknown here.</summary>
        public static Proto.ClientMessage ToProto(string text)
        {
            Json j = Json.Parse(text), m;
            var to = new Proto.ClientMessage();
            if ((m = j["hello"]).Exists)
            {
                to.Hello = new Proto.Hello
                {
                    Character = m["character"].Text, Scene = m["scene"].Text, Room = m["room"].Text, Token = m["token"].Text,
                    Name = m["name"].Text, Resume = m["resume"].Text, WantVoice = m["wantVoice"].Bool,
                    VoiceCodec = Proto.VoiceChunk.Types.Codec.Pcm16, BatchSeals = m["batchSeals"].Bool,
                };
            }
            else if ((m = j["say"]).Exists) to.Say = new Proto.Say { Text = m["text"].Text, Id = m["id"].UInt };
            else if ((m = j["stop"]).Exists) to.Stop = new Proto.Stop { Epoch = m["epoch"].UInt, Avatar = m["avatar"].UInt };
            else if ((m = j["microphone"]).Exists)
                to.Microphone = new Proto.Microphone { Open = m["open"].Bool, HearSelf = m["hearSelf"].Bool, SampleRate = m["sampleRate"].UInt };
            else if ((m = j["listener"]).Exists)
                to.Listener = new Proto.Listener { X = (float)m["x"].Number, Y = (float)m["y"].Number, Z = (float)m["z"].Number };
            else if ((m = j["override"]).Exists)
            {
                to.Override = new Proto.Override();
                foreach (string name in Controls.Names)
                    if (m["controls"][name].Exists) to.Override.Controls[name] = (float)m["controls"][name].Number;
            }
            else if ((m = j["consent"]).Exists) to.Consent = new Proto.Consent { FaceCapture = m["faceCapture"].Bool, Recording = m["recording"].Bool };
            else if (j["calibrate"].Exists) to.Calibrate = new Proto.Calibrate();
            else if ((m = j["moderate"]).Exists)
            {
                to.Moderate = new Proto.Moderate
                {
                    Act = (Proto.Moderate.Types.Act)(int)ClientMessages.ActOf(m["act"].Text), Avatar = m["avatar"].UInt,
                    Reason = m["reason"].Text, Session = m["session"].Text,
                };
            }
            else if ((m = j["emotion"]).Exists) to.Emotion = new Proto.Emotion { Name = m["name"].Text, Weight = (float)m["weight"].Number };
            else if ((m = j["bye"]).Exists) to.Bye = new Proto.Bye { Reason = m["reason"].Text };
            else return null;
            return to;
        }

        /// <summary>A client datagram as the gRPC message: voice and pings have their own, the rest is motion.</summary>
        public static Proto.ClientMessage ToProto(byte[] data, int count)
        {
            if (data[0] == Wire.KindVoice && count >= ClientPackets.VoiceHeadBytes)
            {
                return new Proto.ClientMessage
                {
                    Audio = new Proto.AudioIn
                    {
                        Pcm16 = ByteString.CopyFrom(data, ClientPackets.VoiceHeadBytes, count - ClientPackets.VoiceHeadBytes),
                        Sample = (ulong)ClientPackets.VoiceSample(data), SampleRate = Wire.SampleRate,
                    },
                };
            }
            uint nonce; double time;
            if (ClientPackets.TryPing(data, count, out nonce, out time))
                return new Proto.ClientMessage { Ping = new Proto.Ping { Nonce = nonce, ClientTimeMs = time } };
            return new Proto.ClientMessage { Motion = ByteString.CopyFrom(data, 0, count) };
        }

        /// <summary>A control message as <see cref="ServerMessages.Read"/> gives it; null for the others and the unknown.</summary>
        public static object FromProto(Proto.ServerMessage m)
        {
            switch (m.BodyCase)
            {
                case Proto.ServerMessage.BodyOneofCase.Welcome: return FromProto(m.Welcome);
                case Proto.ServerMessage.BodyOneofCase.Header: return FromProto(m.Header);
                case Proto.ServerMessage.BodyOneofCase.Seal: return FromProto(m.Seal);
                case Proto.ServerMessage.BodyOneofCase.Seals:
                    var seals = new List<Seal>();
                    foreach (Proto.Seal seal in m.Seals.Seals_) seals.Add(FromProto(seal));
                    return seals;
                case Proto.ServerMessage.BodyOneofCase.Speech:
                    return new SpeechState
                    {
                        Avatar = (ushort)m.Speech.Avatar, Id = m.Speech.Id, Phase = (SpeechPhase)(int)m.Speech.Phase,
                        Sample = (long)m.Speech.Sample, Text = m.Speech.Text, Error = m.Speech.Error,
                    };
                case Proto.ServerMessage.BodyOneofCase.Mark: return new Mark { Avatar = (ushort)m.Mark.Avatar, Tag = FromProto(m.Mark.Tag) };
                case Proto.ServerMessage.BodyOneofCase.Left: return new Left { Avatar = (ushort)m.Left.Avatar, Reason = m.Left.Reason };
                case Proto.ServerMessage.BodyOneofCase.Notice:
                    return new Notice { Level = (NoticeLevel)(int)m.Notice.Level, Code = m.Notice.Code, Text = m.Notice.Text, Fatal = m.Notice.Fatal };
                case Proto.ServerMessage.BodyOneofCase.State: return FromProto(m.State);
                default: return null;
            }
        }

        private static Welcome FromProto(Proto.Welcome m)
        {
            var welcome = new Welcome
            {
                Session = m.Session, Room = m.Room, Resume = m.Resume, Scene = m.Scene, Avatar = (ushort)m.Avatar,
                Resumed = m.Resumed, ServerKey = m.ServerKey.ToByteArray(), ResumeSeconds = m.ResumeSeconds,
            };
            foreach (Proto.StreamHeader header in m.Headers) welcome.Headers.Add(FromProto(header));
            return welcome;
        }

        private static StreamHeader FromProto(Proto.StreamHeader m)
        {
            if (m.Avatar > ushort.MaxValue || m.Components.Count > Wire.MaxComponents || m.Scales.Count != m.Components.Count)
                throw new ProtocolException("a stream header does not fit: avatar " + m.Avatar);
            var header = new StreamHeader
            {
                Avatar = (ushort)m.Avatar, Character = m.Character, Name = m.Name, Head = m.Head, AvatarUrl = m.AvatarUrl,
                FarAvatarUrl = m.FarAvatarUrl, AvatarSha256 = m.AvatarSha256, Session = m.Session,
                ControlsOnly = m.ControlsOnly, Self = m.Self, Tag = FromProto(m.Tag),
                Components = new string[m.Components.Count], Scales = new float[m.Scales.Count],
            };
            m.Components.CopyTo(header.Components, 0);
            m.Scales.CopyTo(header.Scales, 0);
            if (m.Seat != null) header.Seat = new Seat { Position = new Float3(m.Seat.X, m.Seat.Y, m.Seat.Z), Yaw = m.Seat.Yaw };
            Proto.SessionCertificate c = m.Certificate;
            if (c != null)
            {
                header.Certificate = new SessionCertificate
                {
                    Session = c.Session, PublicKey = c.PublicKey.ToByteArray(), ServerKey = c.ServerKey.ToByteArray(),
                    Signature = c.Signature.ToByteArray(), NotBefore = c.NotBefore, NotAfter = c.NotAfter,
                };
            }
            return header;
        }

        private static GeneratedTag FromProto(Proto.GeneratedTag m)
        {
            if (m == null) return new GeneratedTag();
            return new GeneratedTag
            {
                Generated = m.Generated, Character = m.Character, Portrays = m.Portrays, DrivenBy = m.DrivenBy,
                Software = m.Software, Session = m.Session, Mark = m.Mark, Issued = m.Issued,
            };
        }

        private static Seal FromProto(Proto.Seal m)
        {
            return new Seal
            {
                Session = m.Session, Avatar = (ushort)m.Avatar, Chunk = m.Chunk, FirstSequence = m.FirstSequence,
                Digests = m.Digests.ToByteArray(), Previous = m.Previous.ToByteArray(), Signature = m.Signature.ToByteArray(),
            };
        }

        private static RoomState FromProto(Proto.RoomState m)
        {
            var state = new RoomState { Room = m.Room, Code = m.Code, Floor = (ushort)m.Floor };
            foreach (Proto.Person p in m.People)
            {
                state.People.Add(new Person
                {
                    Avatar = (ushort)p.Avatar, Session = p.Session, Name = p.Name, Role = p.Role, Muted = p.Muted,
                    Frozen = p.Frozen, Away = p.Away, Self = p.Self, Moderator = p.Moderator,
                });
            }
            return state;
        }
    }
}
