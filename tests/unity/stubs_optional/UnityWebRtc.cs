// Signatures of com.unity.webrtc 3.0 that the package uses, for compiling only. Never shipped, never run.
#pragma warning disable 67, 649, 169, 414
using System;
using System.Collections;
using UnityEngine;

namespace Unity.WebRTC
{
    public static class WebRTC { public static IEnumerator Update() { return null; } }
    public enum RTCBundlePolicy { BundlePolicyBalanced = 0, BundlePolicyMaxBundle = 1, BundlePolicyMaxCompat = 2 }
    public struct RTCIceServer { public string[] urls; }
    public struct RTCConfiguration { public RTCIceServer[] iceServers; public RTCBundlePolicy? bundlePolicy; }
    public enum RTCSdpType { Offer, Pranswer, Answer, Rollback }
    public struct RTCSessionDescription { public RTCSdpType type; public string sdp; }
    public struct RTCError { public string message; }
    public class AsyncOperationBase : CustomYieldInstruction { public RTCError Error { get { return default(RTCError); } } public bool IsError { get { return false; } } public bool IsDone { get { return true; } } }
    public class RTCSessionDescriptionAsyncOperation : AsyncOperationBase { public RTCSessionDescription Desc { get { return default(RTCSessionDescription); } } }
    public class RTCSetSessionDescriptionAsyncOperation : AsyncOperationBase { }
    public enum RTCIceGatheringState { New, Gathering, Complete }
    public enum RTCPeerConnectionState { New, Connecting, Connected, Disconnected, Failed, Closed }
    public enum RTCDataChannelState { Connecting, Open, Closing, Closed }
    public enum TrackKind { Audio, Video }
    public enum RTCRtpTransceiverDirection { SendRecv, SendOnly, RecvOnly, Inactive, Stopped }
    public class RTCRtpTransceiverInit { public RTCRtpTransceiverDirection? direction; }
    public class RTCRtpTransceiver { public string Mid { get { return ""; } } }
    public class MediaStreamTrack : IDisposable { public void Dispose() { } }
    public class AudioStreamTrack : MediaStreamTrack { public AudioStreamTrack(AudioSource source) { } }
    public class RTCTrackEvent { public MediaStreamTrack Track { get { return null; } } public RTCRtpTransceiver Transceiver { get { return null; } } }
    public class RTCDataChannelInit { public bool? ordered; public int? maxRetransmits; public bool? negotiated; public int? id; }
    public delegate void DelegateOnOpen();
    public delegate void DelegateOnClose();
    public delegate void DelegateOnMessage(byte[] bytes);
    public delegate void DelegateOnConnectionStateChange(RTCPeerConnectionState state);
    public delegate void DelegateOnTrack(RTCTrackEvent e);
    public class RTCDataChannel : IDisposable
    {
        public DelegateOnMessage OnMessage { get; set; }
        public DelegateOnOpen OnOpen { get; set; }
        public DelegateOnClose OnClose { get; set; }
        public RTCDataChannelState ReadyState { get { return RTCDataChannelState.Open; } }
        public void Send(string text) { }
        public void Send(byte[] data) { }
        public void Dispose() { }
    }
    public class RTCPeerConnection : IDisposable
    {
        public RTCPeerConnection(ref RTCConfiguration configuration) { }
        public DelegateOnConnectionStateChange OnConnectionStateChange { get; set; }
        public DelegateOnTrack OnTrack { get; set; }
        public RTCIceGatheringState GatheringState { get { return RTCIceGatheringState.Complete; } }
        public RTCSessionDescription LocalDescription { get { return default(RTCSessionDescription); } }
        public RTCDataChannel CreateDataChannel(string label, RTCDataChannelInit options) { return null; }
        public RTCRtpTransceiver AddTransceiver(TrackKind kind, RTCRtpTransceiverInit init) { return null; }
        public RTCRtpTransceiver AddTransceiver(MediaStreamTrack track, RTCRtpTransceiverInit init) { return null; }
        public RTCSessionDescriptionAsyncOperation CreateOffer() { return null; }
        public RTCSetSessionDescriptionAsyncOperation SetLocalDescription(ref RTCSessionDescription description) { return null; }
        public RTCSetSessionDescriptionAsyncOperation SetRemoteDescription(ref RTCSessionDescription description) { return null; }
        public void Close() { }
        public void Dispose() { }
    }
    public static class AudioSourceExtension { public static void SetTrack(this AudioSource source, AudioStreamTrack track) { } }
}
