using System;
using System.Collections.Generic;
using Likeness.Unity;
using Unity.WebRTC;
using UnityEngine;

namespace Likeness.Rtc
{
    /// <summary>
    /// Put it beside a <see cref="LikenessClient"/>, and the session goes over WebRTC: motion without
    /// retransmits, for networks that lose packets. com.unity.webrtc plays sound about a quarter of a second late,
    /// and says nothing of when a sample is heard; the face waits a set time instead. Where sync matters more than
    /// loss, stay with the WebSocket or gRPC.
    /// </summary>
    [AddComponentMenu("Likeness/Likeness WebRTC")]
    [RequireComponent(typeof(LikenessClient))]
    [DefaultExecutionOrder(-200)]
    [DisallowMultipleComponent]
    public sealed class LikenessWebRtc : MonoBehaviour
    {
        [Tooltip("A source that plays the microphone (muted by its mixer group); empty: nothing is sent.")]
        [SerializeField] private AudioSource microphone;
        [Tooltip("How much later than its packet a voice is heard, ms. Raise it when the mouth comes first.")]
        [Range(60, 450)] [SerializeField] private int soundDelayMs = 310;

        private readonly Dictionary<ushort, AudioSource> _voices = new Dictionary<ushort, AudioSource>();
        private LikenessClient _client;
        private bool _blocked;

        private void Awake()
        {
            _client = GetComponent<LikenessClient>();
            _client.Transport = Make;
        }

        private void OnEnable()
        {
            StartCoroutine(WebRTC.Update());
            _client.AvatarJoined += Delay;
            _client.AvatarLeft += Silence;
        }

        private void OnDisable()
        {
            _client.AvatarJoined -= Delay;
            _client.AvatarLeft -= Silence;
        }

        private ITransport Make()
        {
            if (_blocked) return new WebSocketTransport(_client.PinnedCertificate);
            var transport = new RtcTransport(this, new Uri(_client.ServerUrl), microphone);
            transport.VoiceBound += Play;
            transport.Blocked += () => _blocked = true;
            return transport;
        }

        private void Delay(AvatarStream stream) { if (!_blocked) stream.DelayWithoutVoice = soundDelayMs / 1000.0; }

        private void Play(ushort avatar, AudioStreamTrack track)
        {
            LikenessAvatar shown = _client.AvatarOf(avatar);
            if (shown == null) return;
            AudioSource source;
            if (!_voices.TryGetValue(avatar, out source) || source == null)
            {
                source = new GameObject("WebRTC voice").AddComponent<AudioSource>();
                source.transform.SetParent(shown.transform, false);
                source.spatialBlend = 1f;
                source.dopplerLevel = 0f;
                source.loop = true;
                _voices[avatar] = source;
            }
            source.SetTrack(track);
            source.Play();
        }

        private void Silence(AvatarStream stream, string reason)
        {
            AudioSource source;
            if (_voices.TryGetValue(stream.Header.Avatar, out source) && source != null) Destroy(source.gameObject);
            _voices.Remove(stream.Header.Avatar);
        }
    }
}
