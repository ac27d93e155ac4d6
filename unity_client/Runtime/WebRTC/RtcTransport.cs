using System;
using System.Collections;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Unity.WebRTC;
using UnityEngine;
using UnityEngine.Networking;

namespace Likeness.Rtc
{
    /// <summary>
    /// The protocol over WebRTC: offer and answer by one HTTP request, motion on an unordered channel without
    /// retransmits, control on a reliable one, voices as audio tracks. All of it lives on the main thread, in
    /// coroutines of the given host.
    /// </summary>
    public sealed class RtcTransport : ITransport
    {
        private const float ChannelSeconds = 3f;
        private const float GatherSeconds = 0.4f;
        private const int VoiceLines = 3;

        private readonly MonoBehaviour _host;
        private readonly Uri _signal;
        private readonly AudioSource _microphone;
        private readonly Queue<Incoming> _in = new Queue<Incoming>();
        private readonly Queue<string> _waiting = new Queue<string>();
        private readonly Dictionary<string, AudioStreamTrack> _tracks = new Dictionary<string, AudioStreamTrack>();
        private readonly Dictionary<string, ushort> _bound = new Dictionary<string, ushort>();
        private RTCPeerConnection _connection;
        private RTCDataChannel _control, _motion;
        private AudioStreamTrack _speech;
        private Coroutine _negotiation;
        private string _failure, _answer;
        private bool _began;

        /// <param name="server">The server's HTTP address.</param>
        /// <param name="microphone">A source that plays the microphone; null: nothing is sent.</param>
        public RtcTransport(MonoBehaviour host, Uri server, AudioSource microphone)
        {
            _host = host;
            _signal = new UriBuilder(server) { Path = "/api/rtc", Query = "" }.Uri;
            _microphone = microphone;
        }

        /// <summary>A voice's track belongs to an avatar from now on. It may be told again with another avatar.</summary>
        public event Action<ushort, AudioStreamTrack> VoiceBound;
        /// <summary>The channels did not open in time: this network needs the WebSocket.</summary>
        public event Action Blocked;

        public bool IsOpen { get { return _connection != null && _failure == null; } }
        public string Failure { get { return _failure; } }

        /// <summary>Prepares the connection; it is the hello that opens it.</summary>
        public Task OpenAsync(Uri address, CancellationToken cancel)
        {
            var configuration = default(RTCConfiguration);
            configuration.bundlePolicy = RTCBundlePolicy.BundlePolicyMaxBundle;
            configuration.iceServers = new RTCIceServer[0];
            _connection = new RTCPeerConnection(ref configuration);
            _control = _connection.CreateDataChannel("control", new RTCDataChannelInit { negotiated = true, id = 0, ordered = true });
            _motion = _connection.CreateDataChannel("motion", new RTCDataChannelInit { negotiated = true, id = 1, ordered = false, maxRetransmits = 0 });
            _control.OnMessage = bytes => TakeControl(Encoding.UTF8.GetString(bytes));
            _control.OnOpen = SendWaiting;
            _control.OnClose = () => Fail("the server closed the connection");
            _motion.OnMessage = bytes => _in.Enqueue(new Incoming { Data = bytes, Count = bytes.Length });
            _connection.OnConnectionStateChange = state =>
            {
                if (state == RTCPeerConnectionState.Failed) Fail("the connection was lost");
            };
            _connection.OnTrack = e =>
            {
                var track = e.Track as AudioStreamTrack;
                if (track == null) return;
                _tracks[e.Transceiver.Mid] = track;
                Tell(e.Transceiver.Mid);
            };
            if (_microphone != null)
            {
                _speech = new AudioStreamTrack(_microphone);
                _connection.AddTransceiver(_speech, new RTCRtpTransceiverInit { direction = RTCRtpTransceiverDirection.SendRecv });
            }
            else _connection.AddTransceiver(TrackKind.Audio, new RTCRtpTransceiverInit { direction = RTCRtpTransceiverDirection.SendRecv });
            for (int i = 0; i < VoiceLines; i++)
                _connection.AddTransceiver(TrackKind.Audio, new RTCRtpTransceiverInit { direction = RTCRtpTransceiverDirection.RecvOnly });
            return Task.FromResult(true);
        }

        public void Send(string text)
        {
            if (!_began && text.StartsWith("{\"hello\"", StringComparison.Ordinal))
            {
                _began = true;
                _negotiation = _host.StartCoroutine(Negotiate(text));
                return;
            }
            if (_control != null && _control.ReadyState == RTCDataChannelState.Open) _control.Send(text);
            else if (_waiting.Count < 1000) _waiting.Enqueue(text);
        }

        public void Send(byte[] data, int count)
        {
            // Voice has a track of its own; on a channel without retransmits its datagrams would be cut in two.
            if (_motion == null || count == 0 || data[0] == Wire.KindVoice || _motion.ReadyState != RTCDataChannelState.Open) return;
            var exact = new byte[count];
            Buffer.BlockCopy(data, 0, exact, 0, count);
            _motion.Send(exact);
        }

        public bool TryReceive(out Incoming message)
        {
            message = default(Incoming);
            if (_in.Count == 0) return false;
            message = _in.Dequeue();
            return true;
        }

        public void Recycle(byte[] buffer) { }

        public void Dispose()
        {
            if (_failure == null) _failure = "closed";
            if (_negotiation != null && _host != null) _host.StopCoroutine(_negotiation);
            if (_control != null) { _control.OnClose = null; _control.Dispose(); }
            if (_motion != null) _motion.Dispose();
            if (_connection != null) { _connection.Close(); _connection.Dispose(); }
            if (_speech != null) _speech.Dispose();
        }

        private IEnumerator Negotiate(string hello)
        {
            RTCSessionDescriptionAsyncOperation offer = _connection.CreateOffer();
            yield return offer;
            if (offer.IsError) { Fail("no WebRTC offer could be made: " + offer.Error.message); yield break; }
            RTCSessionDescription mine = offer.Desc;
            RTCSetSessionDescriptionAsyncOperation set = _connection.SetLocalDescription(ref mine);
            yield return set;
            if (set.IsError) { Fail("the WebRTC offer does not hold: " + set.Error.message); yield break; }
            float until = Time.unscaledTime + GatherSeconds;
            while (_connection.GatheringState != RTCIceGatheringState.Complete && Time.unscaledTime < until) yield return null;
            string body = hello.Substring(0, hello.Length - 1) + ",\"type\":\"offer\",\"sdp\":" + Json.Quote(_connection.LocalDescription.sdp) + "}";
            using (var request = new UnityWebRequest(_signal.ToString(), "POST"))
            {
                request.uploadHandler = new UploadHandlerRaw(Encoding.UTF8.GetBytes(body));
                request.downloadHandler = new DownloadHandlerBuffer();
                request.SetRequestHeader("Content-Type", "application/json");
                yield return request.SendWebRequest();
                string answer = request.downloadHandler.text;
                if (request.result == UnityWebRequest.Result.ConnectionError)
                {
                    Fail("no Likeness server answers at " + _signal.Authority + ": start it with `likeness serve`, or check the address (" + request.error + ")");
                    yield break;
                }
                if (!TakeAnswer(answer)) yield break;
            }
            Json read = Json.Parse(_answer);
            var theirs = new RTCSessionDescription { type = RTCSdpType.Answer, sdp = read["sdp"].Text };
            RTCSetSessionDescriptionAsyncOperation setTheirs = _connection.SetRemoteDescription(ref theirs);
            yield return setTheirs;
            if (setTheirs.IsError) { Fail("the server's WebRTC answer does not hold: " + setTheirs.Error.message); yield break; }
            _in.Enqueue(new Incoming { Message = ServerMessages.Read(_answer) });
            float end = Time.unscaledTime + ChannelSeconds;
            while (_control.ReadyState != RTCDataChannelState.Open || _motion.ReadyState != RTCDataChannelState.Open)
            {
                if (Time.unscaledTime > end)
                {
                    if (Blocked != null) Blocked();
                    Fail("WebRTC does not get through this network; the session goes on over the WebSocket");
                    yield break;
                }
                yield return null;
            }
        }

        private bool TakeAnswer(string answer)
        {
            try
            {
                Json read = Json.Parse(answer);
                ServerMessages.Read(answer);   // what is no welcome is refused here
                if (read["error"].Exists)
                {
                    _in.Enqueue(new Incoming { Message = new Notice { Level = NoticeLevel.Error, Code = read["error"]["code"].Text, Text = read["error"]["text"].Text, Fatal = true } });
                    return false;
                }
                if (!read["welcome"].Exists || read["sdp"].Text == "") throw new ProtocolException("there is no welcome in it");
            }
            catch (ProtocolException error)
            {
                Fail("the server's answer to the offer is none: " + error.Message);
                return false;
            }
            _answer = answer;
            return true;
        }

        private void TakeControl(string text)
        {
            try
            {
                Json rtp = Json.Parse(text)["rtp"];
                if (!rtp.Exists) { _in.Enqueue(new Incoming { Text = text }); return; }
                _bound[rtp["mid"].Text] = (ushort)rtp["avatar"].UInt;
                Tell(rtp["mid"].Text);
            }
            catch (ProtocolException) { _in.Enqueue(new Incoming { Text = text }); }   // the session counts it
        }

        private void Tell(string mid)
        {
            AudioStreamTrack track; ushort avatar;
            if (_tracks.TryGetValue(mid, out track) && _bound.TryGetValue(mid, out avatar) && VoiceBound != null) VoiceBound(avatar, track);
        }

        private void SendWaiting() { while (_waiting.Count > 0) _control.Send(_waiting.Dequeue()); }
        private void Fail(string why) { if (_failure == null) _failure = why; }
    }
}
