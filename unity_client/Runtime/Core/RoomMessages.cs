using System.Collections.Generic;

namespace Likeness
{
    /// <summary>Where an avatar stands or sits: the point on the floor below its head, scene space (wire frame, m).</summary>
    public sealed class Seat
    {
        public Float3 Position;
        /// <summary>Radians about y; 0 faces +z.</summary>
        public float Yaw;

        internal static bool Same(Seat a, Seat b)
        {
            if (a == null || b == null) return a == b;
            return a.Yaw == b.Yaw && a.Position.X == b.Position.X && a.Position.Y == b.Position.Y && a.Position.Z == b.Position.Z;
        }

        /// <summary>The seat of a header; null when the room gives none.</summary>
        internal static Seat Read(Json j)
        {
            if (!j.Exists) return null;
            return new Seat
            {
                Position = new Float3((float)j["x"].Number, (float)j["y"].Number, (float)j["z"].Number),
                Yaw = (float)j["yaw"].Number,
            };
        }
    }

    /// <summary>Somebody in the room.</summary>
    public sealed class Person
    {
        /// <summary>0: an observer.</summary>
        public ushort Avatar;
        public string Session = "", Name = "", Role = "";
        /// <summary>Away: the connection is lost, and the session waits to be resumed.</summary>
        public bool Muted, Frozen, Away, Self, Moderator;

        internal static Person Read(Json j)
        {
            return new Person
            {
                Avatar = (ushort)j["avatar"].UInt, Session = j["session"].Text, Name = j["name"].Text, Role = j["role"].Text,
                Muted = j["muted"].Bool, Frozen = j["frozen"].Bool, Away = j["away"].Bool, Self = j["self"].Bool,
                Moderator = j["moderator"].Bool,
            };
        }
    }

    /// <summary>Who is in the room; sent on joining and whenever something in it changes.</summary>
    public sealed class RoomState
    {
        public string Room = "";
        /// <summary>A short code to join by: spoken, written on a board.</summary>
        public string Code = "";
        public readonly List<Person> People = new List<Person>();
        /// <summary>The avatar that has the floor; 0: everybody may speak.</summary>
        public ushort Floor;

        /// <summary>The receiver; null when the server names none.</summary>
        public Person Self { get { return People.Find(p => p.Self); } }

        internal static RoomState Read(Json j)
        {
            var state = new RoomState { Room = j["room"].Text, Code = j["code"].Text, Floor = (ushort)j["floor"].UInt };
            foreach (Json person in j["people"].Items) state.People.Add(Person.Read(person));
            return state;
        }
    }

    /// <summary>What a teacher, a therapist or an operator may do.</summary>
    public enum ModerateAct
    {
        Unspecified = 0,
        /// <summary>Its voice, typed or spoken.</summary>
        Mute = 1,
        Unmute = 2,
        /// <summary>It eases to rest and stays there; idle life goes on.</summary>
        Freeze = 3,
        Unfreeze = 4,
        /// <summary>Only this avatar (and moderators) may speak.</summary>
        GiveFloor = 5,
        OpenFloor = 6,
        /// <summary>Its session ends, with the reason.</summary>
        Remove = 7,
        /// <summary>Every session of the room ends, with the reason.</summary>
        EndRoom = 8,
    }

    /// <summary>The names of <see cref="LikenessSession.SetEmotion"/>.</summary>
    public static class Emotions
    {
        public static readonly string[] Names = { "joy", "sadness", "anger", "fear", "surprise", "disgust", "calm" };
    }

    /// <summary>The mark of a performer changed, e.g. by another driver.</summary>
    public sealed class Mark
    {
        public ushort Avatar;
        public GeneratedTag Tag = new GeneratedTag();

        internal static Mark Read(Json j) { return new Mark { Avatar = (ushort)j["avatar"].UInt, Tag = GeneratedTag.Read(j["tag"]) }; }
    }

    /// <summary>A performer left the room.</summary>
    public sealed class Left
    {
        public ushort Avatar;
        public string Reason = "";

        internal static Left Read(Json j) { return new Left { Avatar = (ushort)j["avatar"].UInt, Reason = j["reason"].Text }; }
    }

    /// <summary>Reads what a server sends on the control side.</summary>
    public static class ServerMessages
    {
        /// <summary>
        /// One of Welcome, StreamHeader, Seal, List of Seal, SpeechState, Mark, Left, Notice, RoomState; null for a message of a
        /// kind that this client does not know. Throws <see cref="ProtocolException"/> for what is none.
        /// </summary>
        public static object Read(string text)
        {
            Json j = Json.Parse(text);
            if (j["welcome"].Exists) return Welcome.Read(j["welcome"]);
            if (j["header"].Exists) return StreamHeader.Read(j["header"]);
            if (j["seal"].Exists) return Seal.Read(j["seal"]);
            if (j["seals"].Exists)
            {
                var seals = new List<Seal>();
                foreach (Json seal in j["seals"]["seals"].Items) seals.Add(Seal.Read(seal));
                return seals;
            }
            if (j["speech"].Exists) return SpeechState.Read(j["speech"]);
            if (j["mark"].Exists) return Mark.Read(j["mark"]);
            if (j["left"].Exists) return Left.Read(j["left"]);
            if (j["notice"].Exists) return Notice.Read(j["notice"]);
            if (j["state"].Exists) return RoomState.Read(j["state"]);
            return null;
        }
    }
}
