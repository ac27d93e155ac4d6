using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Likeness
{
    public enum Driver { Unspecified = 0, Text = 1, Voice = 2, Tracking = 3, Recording = 4, Ai = 5, Idle = 6 }
    public enum SpeechPhase { Unspecified = 0, Queued = 1, Started = 2, Finished = 3, Stopped = 4, Failed = 5 }
    public enum NoticeLevel { Unspecified = 0, Info = 1, Warning = 2, Error = 3 }

    /// <summary>The statement that a stream is synthetic, and the mark that must be shown.</summary>
    public sealed class GeneratedTag
    {
        public bool Generated;
        public string Character = "", Portrays = "", DrivenBy = "", Software = "", Session = "", Mark = "", Issued = "";

        internal static GeneratedTag Read(Json j)
        {
            return new GeneratedTag
            {
                Generated = j["generated"].Bool, Character = j["character"].Text, Portrays = j["portrays"].Text,
                DrivenBy = j["drivenBy"].Text, Software = j["software"].Text, Session = j["session"].Text,
                Mark = j["mark"].Text, Issued = j["issued"].Text,
            };
        }
    }

    /// <summary>Who may seal a session's stream.</summary>
    public sealed class SessionCertificate
    {
        public string Session = "", NotBefore = "", NotAfter = "";
        public byte[] PublicKey = new byte[0], ServerKey = new byte[0], Signature = new byte[0];

        internal static SessionCertificate Read(Json j)
        {
            return new SessionCertificate
            {
                Session = j["session"].Text, PublicKey = j["publicKey"].Bytes, ServerKey = j["serverKey"].Bytes,
                Signature = j["signature"].Bytes, NotBefore = j["notBefore"].Text, NotAfter = j["notAfter"].Text,
            };
        }
    }

    /// <summary>Names, sizes and scales of one performer's frames.</summary>
    public sealed class StreamHeader
    {
        public ushort Avatar;
        public string Character = "", Name = "", Head = "", AvatarUrl = "", FarAvatarUrl = "", AvatarSha256 = "", Session = "";
        public string[] Components = new string[0];
        public float[] Scales = new float[0];
        public bool ControlsOnly, Self;
        public GeneratedTag Tag = new GeneratedTag();
        public SessionCertificate Certificate = new SessionCertificate();
        /// <summary>Given by the room, the same for everybody; null where it gives none.</summary>
        public Seat Seat;

        internal static StreamHeader Read(Json j)
        {
            uint avatar = j["avatar"].UInt;
            IReadOnlyList<Json> names = j["components"].Items, scales = j["scales"].Items;
            if (avatar > ushort.MaxValue || names.Count > Wire.MaxComponents || scales.Count != names.Count)
                throw new ProtocolException("a stream header does not fit: avatar " + avatar + ", " + names.Count
                    + " components, " + scales.Count + " scales");
            var header = new StreamHeader
            {
                Avatar = (ushort)avatar, Character = j["character"].Text, Name = j["name"].Text, Head = j["head"].Text,
                AvatarUrl = j["avatarUrl"].Text, FarAvatarUrl = j["farAvatarUrl"].Text, AvatarSha256 = j["avatarSha256"].Text, Session = j["session"].Text,
                ControlsOnly = j["controlsOnly"].Bool, Self = j["self"].Bool,
                Tag = GeneratedTag.Read(j["tag"]), Certificate = SessionCertificate.Read(j["certificate"]),
                Seat = Seat.Read(j["seat"]),
                Components = new string[names.Count], Scales = new float[names.Count],
            };
            for (int i = 0; i < names.Count; i++)
            {
                header.Components[i] = names[i].Text;
                header.Scales[i] = (float)scales[i].Number;
            }
            return header;
        }
    }

    /// <summary>The answer to Hello.</summary>
    public sealed class Welcome
    {
        public string Session = "", Room = "", Resume = "", Scene = "";
        public ushort Avatar;
        public bool Resumed;
        public byte[] ServerKey = new byte[0];
        public uint ResumeSeconds;
        public readonly List<StreamHeader> Headers = new List<StreamHeader>();

        internal static Welcome Read(Json j)
        {
            var w = new Welcome
            {
                Session = j["session"].Text, Room = j["room"].Text, Resume = j["resume"].Text, Scene = j["scene"].Text,
                Avatar = (ushort)j["avatar"].UInt, Resumed = j["resumed"].Bool, ServerKey = j["serverKey"].Bytes,
                ResumeSeconds = j["resumeSeconds"].UInt,
            };
            foreach (Json header in j["headers"].Items) w.Headers.Add(StreamHeader.Read(header));
            return w;
        }
    }

    /// <summary>A signature over at most 100 ms of one avatar's frames.</summary>
    public sealed class Seal
    {
        public string Session = "";
        public ushort Avatar;
        public uint Chunk, FirstSequence;
        public byte[] Digests = new byte[0], Previous = new byte[0], Signature = new byte[0];

        internal static Seal Read(Json j)
        {
            return new Seal
            {
                Session = j["session"].Text, Avatar = (ushort)j["avatar"].UInt, Chunk = j["chunk"].UInt,
                FirstSequence = j["firstSequence"].UInt, Digests = j["digests"].Bytes,
                Previous = j["previous"].Bytes, Signature = j["signature"].Bytes,
            };
        }
    }

    /// <summary>The life of one thing said.</summary>
    public sealed class SpeechState
    {
        public ushort Avatar;
        public uint Id;
        public SpeechPhase Phase;
        public long Sample;
        public string Text = "", Error = "";

        internal static SpeechState Read(Json j)
        {
            return new SpeechState
            {
                Avatar = (ushort)j["avatar"].UInt, Id = j["id"].UInt, Sample = j["sample"].Long,
                Phase = (SpeechPhase)Enums.Index(j["phase"], "PHASE_UNSPECIFIED", "QUEUED", "STARTED", "FINISHED", "STOPPED", "FAILED"),
                Text = j["text"].Text, Error = j["error"].Text,
            };
        }
    }

    /// <summary>Something that a person should read.</summary>
    public sealed class Notice
    {
        public NoticeLevel Level;
        public string Code = "", Text = "";
        public bool Fatal;

        internal static Notice Read(Json j)
        {
            return new Notice
            {
                Level = (NoticeLevel)Enums.Index(j["level"], "LEVEL_UNSPECIFIED", "INFO", "WARNING", "ERROR"),
                Code = j["code"].Text, Text = j["text"].Text, Fatal = j["fatal"].Bool,
            };
        }
    }

    internal static class Enums
    {
        /// <summary>proto3 JSON writes an enum's name, and may write its number.</summary>
        internal static int Index(Json j, params string[] names)
        {
            int at = System.Array.IndexOf(names, j.Text);
            if (at >= 0) return at;
            int n = j.Int;
            return n >= 0 && n < names.Length ? n : 0;
        }
    }

    /// <summary>Writes the messages that a client sends on the control side, as proto3 JSON.</summary>
    public static class ClientMessages
    {
        private static readonly string[] Acts =
        {
            "ACT_UNSPECIFIED", "MUTE", "UNMUTE", "FREEZE", "UNFREEZE", "GIVE_FLOOR", "OPEN_FLOOR", "REMOVE", "END_ROOM",
        };

        public static string Hello(string character, string scene, string room, string token, string name)
        {
            return "{\"hello\":{" + Members("character", character, "scene", scene, "room", room, "token", token, "name", name)
                + ",\"wantVoice\":true,\"voiceCodec\":\"PCM16\",\"batchSeals\":true}}";
        }

        public static string Resume(string resume)
        {
            return "{\"hello\":{" + Members("resume", resume) + ",\"wantVoice\":true,\"voiceCodec\":\"PCM16\",\"batchSeals\":true}}";
        }

        public static string Say(string text, uint id)
        {
            return "{\"say\":{" + Members("text", text) + ",\"id\":" + Number(id) + "}}";
        }

        public static string Stop(ushort avatar, ushort epoch)
        {
            return "{\"stop\":{\"epoch\":" + Number(epoch) + ",\"avatar\":" + Number(avatar) + "}}";
        }

        public static string Microphone(bool open, bool hearSelf)
        {
            return "{\"microphone\":{\"open\":" + Bool(open) + ",\"hearSelf\":" + Bool(hearSelf) + ",\"sampleRate\":48000}}";
        }

        public static string Listener(Float3 p)
        {
            return "{\"listener\":{\"x\":" + Number(p.X) + ",\"y\":" + Number(p.Y) + ",\"z\":" + Number(p.Z) + "}}";
        }

        /// <param name="session">Instead of the avatar, for observers, who have none.</param>
        public static string Moderate(ModerateAct act, ushort avatar, string reason, string session)
        {
            return "{\"moderate\":{\"act\":\"" + Acts[(int)act] + "\",\"avatar\":" + Number(avatar) + ","
                + Members("reason", reason, "session", session) + "}}";
        }

        /// <summary>The act of its name on the wire.</summary>
        public static ModerateAct ActOf(string name) { return (ModerateAct)System.Math.Max(0, System.Array.IndexOf(Acts, name)); }

        public static string Emotion(string name, float weight)
        {
            return "{\"emotion\":{" + Members("name", name) + ",\"weight\":" + Number(Unit(weight)) + "}}";
        }

        public static string Consent(bool faceCapture, bool recording)
        {
            return "{\"consent\":{\"faceCapture\":" + Bool(faceCapture) + ",\"recording\":" + Bool(recording) + "}}";
        }

        public static string Calibrate() { return "{\"calibrate\":{}}"; }

        /// <summary>A manual layer of controls by ARKit name; none clears it.</summary>
        public static string Override(IEnumerable<KeyValuePair<string, float>> controls)
        {
            var b = new StringBuilder("{\"override\":{\"controls\":{");
            bool more = false;
            foreach (KeyValuePair<string, float> control in controls)
            {
                if (more) b.Append(',');
                more = true;
                b.Append(Json.Quote(control.Key)).Append(':').Append(Number(Unit(control.Value)));
            }
            return b.Append("}}}").ToString();
        }

        public static string Bye(string reason) { return "{\"bye\":{" + Members("reason", reason) + "}}"; }

        private static string Members(params string[] pairs)
        {
            var b = new StringBuilder();
            for (int i = 0; i + 1 < pairs.Length; i += 2)
            {
                if (i > 0) b.Append(',');
                b.Append(Json.Quote(pairs[i])).Append(':').Append(Json.Quote(pairs[i + 1] ?? ""));
            }
            return b.ToString();
        }

        private static string Bool(bool v) { return v ? "true" : "false"; }
        private static float Unit(float v) { return v > 0 ? System.Math.Min(1f, v) : 0f; }
        private static string Number(double v) { return v.ToString("R", CultureInfo.InvariantCulture); }
    }
}
