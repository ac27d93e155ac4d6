using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Likeness
{
    public enum SessionState { Idle, Connecting, Open, Waiting, Ended }

    /// <summary>One performer in the room, as this client sees it.</summary>
    public sealed class AvatarStream
    {
        internal AvatarStream(StreamHeader header, int voiceDelayMs)
        {
            Header = header;
            Voice = new VoiceBuffer(voiceDelayMs);
        }

        public StreamHeader Header { get; internal set; }
        public GeneratedTag Tag { get { return Header.Tag; } }
        public readonly JitterBuffer Frames = new JitterBuffer();
        public readonly MediaClock Clock = new MediaClock();
        public readonly VoiceBuffer Voice;
        internal bool HeardVoice;
        /// <summary>How far behind its newest frame the face is drawn while no voice player owns the clock, seconds.</summary>
        public double DelayWithoutVoice = 0.1;
        internal SealChain Seals;
        internal bool ToldBroken;
        private int _breaks;

        /// <summary>Frames that were sealed by the server and came unchanged; 0 where seals are not checked.</summary>
        public long SealedFrames { get { return Seals != null ? Seals.Verified : 0; } }
        /// <summary>Why this stream cannot be what the server sealed; null while it holds, or is not checked.</summary>
        public string SealProblem { get { return Seals != null ? Seals.Problem : null; } }

        /// <summary>
        /// The face to draw at a local time (seconds). The clock is set by whoever plays the voice; without a
        /// player it follows the newest frame, <see cref="DelayWithoutVoice"/> behind.
        /// </summary>
        public bool TryGetFace(double localSeconds, FlamePose into)
        {
            if (Frames.Count == 0) return false;
            if (!HeardVoice) Clock.Report(localSeconds, Frames.NewestSample - DelayWithoutVoice * Wire.SampleRate);
            return Frames.TryGet(Clock.Sample(localSeconds), into);
        }

        /// <summary>Says that a media sample is heard at a local time; from then on the voice owns the clock.</summary>
        public void ReportHeard(double localSeconds, double sample) { ReportHeard(localSeconds, sample, Voice.Breaks); }

        /// <summary>The same for a player on another thread: with the breaks that <see cref="VoiceBuffer.Read(float[], int, int, out int)"/> told.</summary>
        public void ReportHeard(double localSeconds, double sample, int breaks)
        {
            HeardVoice = true;
            // After a gap or a leap of the voice the face leaps with it; only noise is steered away slowly.
            if (breaks != _breaks) { _breaks = breaks; Clock.Reset(); }
            Clock.Report(localSeconds, sample);
        }
    }

    /// <summary>
    /// A session with a Likeness server: hello, the room's performers, pings, resume. It lives on one thread:
    /// call <see cref="Poll"/> every frame; events are raised from there. Only the transport's own loops run
    /// elsewhere.
    /// </summary>
    public sealed class LikenessSession : IDisposable
    {
        public const double PingSeconds = 1;
        public const double DeadSeconds = 3;
        public const double OpenSeconds = 5;
        private const int SignatureEvery = 10;   // seals: one a second
        private static readonly double[] RetryAfter = { 0, 0.5, 1, 2, 3, 5 };

        private readonly Func<ITransport> _connect;
        private readonly Dictionary<ushort, AvatarStream> _avatars = new Dictionary<ushort, AvatarStream>();
        private readonly byte[] _datagram = new byte[8192];
        private readonly int _voiceDelayMs;
        private readonly IEd25519 _ed25519;
        private readonly SealWatch _watch;
        private ITransport _transport;
        private CancellationTokenSource _cancel;
        private Task _opening;
        private Uri _address;
        private string _hello, _resume = "";
        private bool _sentHello, _welcomed, _resuming;
        private double _now, _openedAt, _lastHeard, _lastPing, _retryAt;
        private int _tries;
        private uint _nonce, _poseSequence, _controlsSequence;
        private double _stopAgainAt;
        private int _stopsLeft;
        private ushort _stopEpoch;

        /// <param name="connect">Makes a transport; default: a WebSocket.</param>
        /// <param name="ed25519">Checks the seals on a thread of its own, one signature a second and avatar;
        /// null: they are only passed on by <see cref="Sealed"/>.</param>
        public LikenessSession(Func<ITransport> connect = null, int voiceDelayMs = 80, IEd25519 ed25519 = null)
        {
            _connect = connect ?? (() => new WebSocketTransport());
            _voiceDelayMs = voiceDelayMs;
            _ed25519 = ed25519;
            if (ed25519 != null) _watch = new SealWatch();
        }

        /// <summary>The server's public key that is trusted; null: the one that its Welcome names.</summary>
        public byte[] TrustedServerKey { get; set; }

        public SessionState State { get; private set; }
        public Welcome Welcome { get; private set; }
        public IReadOnlyDictionary<ushort, AvatarStream> Avatars { get { return _avatars; } }
        /// <summary>Round trip of the last ping, seconds.</summary>
        public double RoundTrip { get; private set; }
        /// <summary>Messages that were not understood and dropped.</summary>
        public long Malformed { get; private set; }
        public string LastProblem { get; private set; }
        /// <summary>Who is in the room; null until the server tells.</summary>
        public RoomState Room { get; private set; }
        /// <summary>The secret that opens this session again within <see cref="Welcome.ResumeSeconds"/>; "" before the welcome.</summary>
        public string ResumeToken { get { return Welcome != null ? Welcome.Resume : ""; } }

        public event Action<SessionState, string> StateChanged;
        public event Action<AvatarStream> AvatarJoined;
        public event Action<AvatarStream, string> AvatarLeft;
        public event Action<AvatarStream> MarkChanged;
        public event Action<AvatarStream> SeatChanged;
        public event Action<SpeechState> Speech;
        public event Action<Notice> Noticed;
        /// <summary>A seal came, for checks of your own. See docs/provenance.md.</summary>
        public event Action<AvatarStream, Seal> Sealed;
        /// <summary>A stream is not what the server sealed, in words; told once. Show it.</summary>
        public event Action<AvatarStream, string> SealBroken;
        public event Action<RoomState> RoomChanged;

        /// <summary>
        /// Starts to connect to http(s)://host:port; returns at once. Failures are tried again until
        /// <see cref="Close"/>; <see cref="StateChanged"/> tells in words. <paramref name="resume"/>: an earlier
        /// session's <see cref="ResumeToken"/>, to go on with it after a reload; when it is over, a new one begins.
        /// </summary>
        public void Connect(Uri server, string character, string scene = "", string room = "", string token = "", string name = "",
            string resume = "")
        {
            if (State != SessionState.Idle && State != SessionState.Ended) throw new InvalidOperationException("already connected; call Close first");
            string scheme = server.Scheme == "https" || server.Scheme == "wss" ? "wss" : "ws";
            _address = new UriBuilder(server) { Scheme = scheme, Path = "/api/ws", Query = "" }.Uri;
            _hello = ClientMessages.Hello(character, scene, room, token, name);
            _resume = resume ?? "";
            Welcome = null;
            Room = null;
            LastProblem = null;
            _avatars.Clear();
            _tries = 0;
            Open();
        }

        /// <summary>Takes what came in, keeps the connection alive. Local seconds from any monotonic clock.</summary>
        public void Poll(double localSeconds)
        {
            _now = localSeconds;
            switch (State)
            {
                case SessionState.Connecting: PollConnecting(); break;
                case SessionState.Open: PollOpen(); break;
                case SessionState.Waiting: if (_now >= _retryAt) Open(); break;
            }
        }

        public void Say(string text, uint id = 0) { SendText(ClientMessages.Say(text, id)); }

        /// <summary>
        /// Silence now: the own performer's voice is cut here first, then the order goes out five times as a
        /// datagram, and once as a message.
        /// </summary>
        public void Stop()
        {
            AvatarStream own;
            if (Welcome == null || !_avatars.TryGetValue(Welcome.Avatar, out own)) return;
            _stopEpoch = (ushort)(own.Frames.Epoch + 1);
            own.Voice.Cut();
            own.Frames.Stop(_stopEpoch);
            SendText(ClientMessages.Stop(0, _stopEpoch));
            _stopsLeft = 5;
            _stopAgainAt = _now;
            SendStops();
        }

        public void OpenMicrophone(bool open, bool hearSelf = false) { SendText(ClientMessages.Microphone(open, hearSelf)); }

        /// <summary>Microphone: mono 48 kHz; <paramref name="sample"/> counts all samples since it was opened.</summary>
        public void SendVoice(long sample, short[] pcm, int offset, int count)
        {
            for (int done = 0; done < count; done += 960)
            {
                int n = Math.Min(960, count - done);
                SendBinary(ClientPackets.Voice(_datagram, sample + done, pcm, offset + done, n));
            }
        }

        public void SendPose(Float3 position, Float4 rotation, HandPose? left = null, HandPose? right = null)
        {
            SendBinary(ClientPackets.Pose(_datagram, _poseSequence++, position, rotation, left, right));
        }

        public void SendControls(float[] controls, Float3 headRotation, float gazePitch, float gazeYaw)
        {
            SendBinary(ClientPackets.Controls(_datagram, _controlsSequence++, controls, headRotation, gazePitch, gazeYaw));
        }

        /// <summary>
        /// What the person allows with their own face. Before <paramref name="faceCapture"/> is true, the server
        /// drops their controls; false stops it at once.
        /// </summary>
        public void Consent(bool faceCapture, bool recording = false) { SendText(ClientMessages.Consent(faceCapture, recording)); }

        /// <summary>The next second with a face is the person's neutral face.</summary>
        public void Calibrate() { SendText(ClientMessages.Calibrate()); }

        /// <summary>A lasting expression under speech and tracking (<see cref="Emotions"/>); weight 0 clears it.</summary>
        public void SetEmotion(string emotion, float weight) { SendText(ClientMessages.Emotion(emotion, weight)); }

        /// <summary>A manual layer of controls by ARKit name; an empty one clears it.</summary>
        public void Override(IEnumerable<KeyValuePair<string, float>> controls) { SendText(ClientMessages.Override(controls)); }

        /// <summary>For moderators: an order about one avatar, about everybody (0), or about an observer's session.</summary>
        public void Moderate(ModerateAct act, ushort avatar = 0, string reason = "", string session = "")
        {
            SendText(ClientMessages.Moderate(act, avatar, reason, session));
        }

        public void SendListener(Float3 head) { SendText(ClientMessages.Listener(head)); }

        /// <summary>Ends the session. The server closes it in its ledger.</summary>
        public void Close(string reason = "the client closed")
        {
            if (State == SessionState.Open) SendText(ClientMessages.Bye(reason));
            Drop();
            if (State != SessionState.Idle && State != SessionState.Ended) Change(SessionState.Ended, reason);
        }

        /// <summary>The application sleeps or wakes: asleep, pings stop counting; awake, the session resumes.</summary>
        public void Suspend() { if (State == SessionState.Open || State == SessionState.Connecting) { Drop(); Retry("paused", double.PositiveInfinity); } }
        public void Resume() { if (State == SessionState.Waiting) _retryAt = 0; }

        /// <summary>
        /// Lets go of the connection without a goodbye, so that <see cref="ResumeToken"/> can go on with the session
        /// elsewhere: after a reload of the editor's scripts.
        /// </summary>
        public void Detach()
        {
            Drop();
            if (State != SessionState.Idle && State != SessionState.Ended) Change(SessionState.Ended, "detached");
        }

        public void Dispose()
        {
            Close();
            if (_watch != null) _watch.Dispose();
        }

        private void Open()
        {
            Drop();
            _cancel = new CancellationTokenSource(TimeSpan.FromSeconds(OpenSeconds));
            _sentHello = _welcomed = false;
            Change(SessionState.Connecting, _tries == 0 ? "connecting" : "connecting again");
            if (State != SessionState.Connecting) return;   // a listener closed it
            try
            {
                _transport = _connect();
                _opening = _transport.OpenAsync(_address, _cancel.Token);
            }
            catch (Exception error) { Retry("the connection cannot be made: " + error.Message, Delay()); }
        }

        private void PollConnecting()
        {
            if (!_opening.IsCompleted) return;
            if (_opening.IsFaulted || _opening.IsCanceled || !_transport.IsOpen && _transport.Failure != null && !_sentHello)
            {
                Exception cause = _opening.Exception != null ? _opening.Exception.GetBaseException() : null;
                Retry(_transport.Failure ?? (cause != null ? cause.Message : "the connection failed"), Delay());
                return;
            }
            if (!_sentHello)
            {
                if (Welcome != null) _resume = Welcome.Resume;
                _resuming = _resume != "";
                _transport.Send(_resuming ? ClientMessages.Resume(_resume) : _hello);
                _sentHello = true;
                _openedAt = _lastHeard = _now;
            }
            Drain();
            if (State != SessionState.Connecting) return;
            if (_welcomed)
            {
                _tries = 0;
                _lastPing = _now;
                Change(SessionState.Open, Welcome.Resumed ? "resumed" : "connected");
            }
            else if (_transport.Failure != null) Retry(_transport.Failure, Delay());
            else if (_now - _openedAt > OpenSeconds) Retry("the server did not answer the hello", Delay());
        }

        private void PollOpen()
        {
            Drain();
            if (State != SessionState.Open) return;
            if (_stopsLeft > 0) SendStops();
            if (_watch != null) TellBrokenSeals();
            if (State != SessionState.Open) return;
            if (_now - _lastPing >= PingSeconds)
            {
                _lastPing = _now;
                SendBinary(ClientPackets.Ping(_datagram, _nonce++, _now * 1000));
            }
            if (_transport.Failure != null) Retry(_transport.Failure, Delay());
            else if (_now - _lastHeard > DeadSeconds) Retry("nothing was heard from the server for 3 s", Delay());
        }

        private double Delay() { return RetryAfter[Math.Min(_tries, RetryAfter.Length - 1)]; }

        private void Retry(string why, double after)
        {
            Drop();
            _tries++;
            _retryAt = _now + after;
            LastProblem = why;
            Change(SessionState.Waiting, why);
        }

        private void Drop()
        {
            if (_cancel != null) { _cancel.Cancel(); _cancel.Dispose(); _cancel = null; }
            if (_transport != null) { _transport.Dispose(); _transport = null; }
        }

        private void Change(SessionState state, string why)
        {
            State = state;
            if (StateChanged != null) StateChanged(state, why);
        }

        private void Drain()
        {
            Incoming message;
            while (_transport != null && _transport.TryReceive(out message))
            {
                _lastHeard = _now;
                if (message.Text != null) TakeText(message.Text);
                else if (message.Message != null) Take(message.Message);
                else
                {
                    TakeBinary(message.Data, message.Count);
                    if (_transport != null) _transport.Recycle(message.Data);
                }
            }
        }

        private void TakeBinary(byte[] data, int count)
        {
            if (count == 0) return;
            switch (data[0])
            {
                case Wire.KindFrame: TakeFrames(data, count); break;
                case Wire.KindVoice: TakeVoice(data, count); break;
                case Wire.KindPing:
                    uint asked; double then;
                    if (ClientPackets.TryPing(data, count, out asked, out then)) SendBinary(ClientPackets.Pong(_datagram, asked, then, _now * 1000));
                    else Malformed++;
                    break;
                case Wire.KindPong:
                    uint nonce; double sent, server;
                    if (ClientPackets.TryPong(data, count, out nonce, out sent, out server)) RoundTrip = _now - sent / 1000;
                    else Malformed++;
                    break;
                default: Malformed++; break;
            }
        }

        private void TakeFrames(byte[] data, int count)
        {
            if (PacketDecoder.CountFrames(data, count) == 0) { Malformed++; return; }
            int offset = 0;
            while (offset < count)
            {
                ushort id; int size;
                PacketDecoder.TryPeek(data, offset, count, out id, out size);
                AvatarStream avatar;
                // Frames may come before their header: they are dropped, the next ones will do.
                if (_avatars.TryGetValue(id, out avatar))
                {
                    if (!avatar.Frames.TryAdd(data, offset, count, avatar.Header.Scales, out size)) { Malformed++; return; }
                    if (avatar.Seals != null) _watch.Frame(avatar.Seals, data, offset, size);
                }
                offset += size;
            }
        }

        private void TakeVoice(byte[] data, int count)
        {
            AvatarStream avatar;
            if (count < ClientPackets.VoiceHeadBytes || data[1] != Wire.CodecPcm16) { Malformed++; return; }
            if (_avatars.TryGetValue(Wire.ReadU16(data, 2), out avatar))
                avatar.Voice.Write(Wire.ReadU48(data, 4), data, ClientPackets.VoiceHeadBytes, count - ClientPackets.VoiceHeadBytes);
        }

        private void TakeText(string text)
        {
            object message;
            try { message = ServerMessages.Read(text); }
            catch (ProtocolException) { Malformed++; return; }
            Take(message);
        }

        private void Take(object message)
        {
            if (message is Welcome) TakeWelcome((Welcome)message);
            else if (message is StreamHeader) Join((StreamHeader)message);
            else if (message is Seal) TakeSeal((Seal)message);
            else if (message is List<Seal>) foreach (Seal one in (List<Seal>)message) TakeSeal(one);
            else if (message is SpeechState) { if (Speech != null) Speech((SpeechState)message); }
            else if (message is Mark) TakeMark(((Mark)message).Avatar, ((Mark)message).Tag);
            else if (message is Left) TakeLeft(((Left)message).Avatar, ((Left)message).Reason);
            else if (message is Notice) TakeNotice((Notice)message);
            else if (message is RoomState) { Room = (RoomState)message; if (RoomChanged != null) RoomChanged(Room); }
        }

        private void TakeWelcome(Welcome welcome)
        {
            Welcome = welcome;
            _welcomed = true;
            var present = new HashSet<ushort>();
            foreach (StreamHeader header in welcome.Headers) { present.Add(header.Avatar); Join(header); }
            foreach (ushort id in new List<ushort>(_avatars.Keys))
                if (!present.Contains(id)) TakeLeft(id, "left while this client was away");
        }

        private void Join(StreamHeader header)
        {
            AvatarStream avatar;
            if (_avatars.TryGetValue(header.Avatar, out avatar) && avatar.Header.AvatarUrl == header.AvatarUrl
                && avatar.Header.Components.Length == header.Components.Length)
            {
                bool moved = !Seat.Same(avatar.Header.Seat, header.Seat);
                avatar.Header = header;
                if (moved && SeatChanged != null) SeatChanged(avatar);
                if (MarkChanged != null) MarkChanged(avatar);
                return;
            }
            if (avatar != null) TakeLeft(header.Avatar, "changed character");
            avatar = new AvatarStream(header, _voiceDelayMs);
            if (_ed25519 != null)
            {
                avatar.Seals = new SealChain(header.Certificate, header.Avatar, _ed25519,
                    TrustedServerKey ?? (Welcome != null ? Welcome.ServerKey : null), DateTime.UtcNow, SignatureEvery);
            }
            _avatars[header.Avatar] = avatar;
            if (AvatarJoined != null) AvatarJoined(avatar);
        }

        private void TakeLeft(ushort id, string reason)
        {
            AvatarStream avatar;
            if (!_avatars.TryGetValue(id, out avatar)) return;
            _avatars.Remove(id);
            if (AvatarLeft != null) AvatarLeft(avatar, reason);
        }

        private void TakeMark(ushort id, GeneratedTag tag)
        {
            AvatarStream avatar;
            if (!_avatars.TryGetValue(id, out avatar)) return;
            avatar.Header.Tag = tag;
            if (MarkChanged != null) MarkChanged(avatar);
        }

        private void TakeSeal(Seal seal)
        {
            AvatarStream avatar;
            if (!_avatars.TryGetValue(seal.Avatar, out avatar)) return;
            if (avatar.Seals != null) _watch.Add(avatar.Seals, seal);
            if (Sealed != null) Sealed(avatar, seal);
        }

        private void TellBrokenSeals()
        {
            foreach (AvatarStream avatar in _avatars.Values)
            {
                if (avatar.ToldBroken || avatar.SealProblem == null) continue;
                avatar.ToldBroken = true;
                LastProblem = "the stream of " + avatar.Header.Name + " is not what the server sealed: " + avatar.SealProblem;
                if (SealBroken != null) SealBroken(avatar, avatar.SealProblem);
                return;   // a listener may have closed the session; the next poll tells of others
            }
        }

        private void TakeNotice(Notice notice)
        {
            if (notice.Fatal && State == SessionState.Connecting && _resuming && notice.Code == "denied")
            {
                // The session that was to go on is over: a new one begins.
                foreach (ushort id in new List<ushort>(_avatars.Keys)) TakeLeft(id, "the session is over");
                _resume = "";
                Welcome = null;
                Retry(notice.Text, 0);
                return;
            }
            if (Noticed != null) Noticed(notice);
            if (!notice.Fatal) return;
            LastProblem = notice.Text;
            Drop();
            Change(SessionState.Ended, notice.Text);
        }

        private void SendStops()
        {
            // 0, 5, 10, 15, 20 ms; a frame is longer, so each poll sends what is due.
            while (_stopsLeft > 0 && _now >= _stopAgainAt)
            {
                SendBinary(ClientPackets.Stop(_datagram, 0, _stopEpoch));
                _stopsLeft--;
                _stopAgainAt += 0.005;
            }
        }

        private void SendText(string text) { if (_transport != null && State == SessionState.Open) _transport.Send(text); }
        private void SendBinary(int count) { if (_transport != null && State == SessionState.Open) _transport.Send(_datagram, count); }
    }
}
