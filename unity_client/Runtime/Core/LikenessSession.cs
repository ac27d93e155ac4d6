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

        /// <summary>
        /// The face to draw at a local time (seconds). The clock is set by whoever plays the voice; without a
        /// player it follows the newest frame, 100 ms behind.
        /// </summary>
        public bool TryGetFace(double localSeconds, FlamePose into)
        {
            if (Frames.Count == 0) return false;
            if (!HeardVoice) Clock.Report(localSeconds, Frames.NewestSample - Wire.SampleRate / 10);
            return Frames.TryGet(Clock.Sample(localSeconds), into);
        }

        /// <summary>Says that a media sample is heard at a local time; from then on the voice owns the clock.</summary>
        public void ReportHeard(double localSeconds, double sample)
        {
            HeardVoice = true;
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
        private static readonly double[] RetryAfter = { 0, 0.5, 1, 2, 3, 5 };

        private readonly Func<ITransport> _connect;
        private readonly Dictionary<ushort, AvatarStream> _avatars = new Dictionary<ushort, AvatarStream>();
        private readonly byte[] _datagram = new byte[8192];
        private readonly int _voiceDelayMs;
        private ITransport _transport;
        private CancellationTokenSource _cancel;
        private Task _opening;
        private Uri _address;
        private string _hello;
        private bool _sentHello, _welcomed;
        private double _now, _openedAt, _lastHeard, _lastPing, _retryAt;
        private int _tries;
        private uint _nonce, _poseSequence, _controlsSequence;
        private double _stopAgainAt;
        private int _stopsLeft;
        private ushort _stopEpoch;

        /// <param name="connect">Makes a transport; default: a WebSocket.</param>
        public LikenessSession(Func<ITransport> connect = null, int voiceDelayMs = 80)
        {
            _connect = connect ?? (() => new WebSocketTransport());
            _voiceDelayMs = voiceDelayMs;
        }

        public SessionState State { get; private set; }
        public Welcome Welcome { get; private set; }
        public IReadOnlyDictionary<ushort, AvatarStream> Avatars { get { return _avatars; } }
        /// <summary>Round trip of the last ping, seconds.</summary>
        public double RoundTrip { get; private set; }
        /// <summary>Messages that were not understood and dropped.</summary>
        public long Malformed { get; private set; }
        public string LastProblem { get; private set; }

        public event Action<SessionState, string> StateChanged;
        public event Action<AvatarStream> AvatarJoined;
        public event Action<AvatarStream, string> AvatarLeft;
        public event Action<AvatarStream> MarkChanged;
        public event Action<SpeechState> Speech;
        public event Action<Notice> Noticed;
        /// <summary>Checks a seal (Ed25519); Core has none of its own. See docs/provenance.md.</summary>
        public event Action<AvatarStream, Seal> Sealed;

        /// <summary>
        /// Starts to connect to http(s)://host:port; returns at once. Failures are tried again until
        /// <see cref="Close"/>; <see cref="StateChanged"/> tells in words.
        /// </summary>
        public void Connect(Uri server, string character, string scene = "", string room = "", string token = "", string name = "")
        {
            if (State != SessionState.Idle && State != SessionState.Ended) throw new InvalidOperationException("already connected; call Close first");
            string scheme = server.Scheme == "https" || server.Scheme == "wss" ? "wss" : "ws";
            _address = new UriBuilder(server) { Scheme = scheme, Path = "/api/ws", Query = "" }.Uri;
            _hello = ClientMessages.Hello(character, scene, room, token, name);
            Welcome = null;
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

        public void Dispose() { Close(); }

        private void Open()
        {
            Drop();
            _transport = _connect();
            _cancel = new CancellationTokenSource(TimeSpan.FromSeconds(OpenSeconds));
            _sentHello = _welcomed = false;
            Change(SessionState.Connecting, _tries == 0 ? "connecting" : "connecting again");
            _opening = _transport.OpenAsync(_address, _cancel.Token);
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
                _transport.Send(Welcome != null ? ClientMessages.Resume(Welcome.Resume) : _hello);
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
                if (_avatars.TryGetValue(id, out avatar)
                    && !avatar.Frames.TryAdd(data, offset, count, avatar.Header.Scales, out size)) { Malformed++; return; }
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
            Json j;
            try
            {
                j = Json.Parse(text);
                if (j["welcome"].Exists) TakeWelcome(Likeness.Welcome.Read(j["welcome"]));
                else if (j["header"].Exists) Join(StreamHeader.Read(j["header"]));
                else if (j["seal"].Exists) TakeSeal(Seal.Read(j["seal"]));
                else if (j["speech"].Exists) { if (Speech != null) Speech(SpeechState.Read(j["speech"])); }
                else if (j["mark"].Exists) TakeMark((ushort)j["mark"]["avatar"].UInt, GeneratedTag.Read(j["mark"]["tag"]));
                else if (j["left"].Exists) TakeLeft((ushort)j["left"]["avatar"].UInt, j["left"]["reason"].Text);
                else if (j["notice"].Exists) TakeNotice(Notice.Read(j["notice"]));
            }
            catch (ProtocolException) { Malformed++; }
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
                avatar.Header = header;
                if (MarkChanged != null) MarkChanged(avatar);
                return;
            }
            if (avatar != null) TakeLeft(header.Avatar, "changed character");
            avatar = new AvatarStream(header, _voiceDelayMs);
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
            if (_avatars.TryGetValue(seal.Avatar, out avatar) && Sealed != null) Sealed(avatar, seal);
        }

        private void TakeNotice(Notice notice)
        {
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
