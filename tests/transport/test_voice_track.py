"""A voice that was encoded once travels over WebRTC as it is, and its RTP time maps to media samples."""

import asyncio

import numpy as np
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription

from likeness.stage.outlet import BLOCK, VoicePacket
from likeness.transport.voice_track import BACKLOG, VoiceTrack

PCM = np.zeros(BLOCK, np.int16)


def voice(sample: int, avatar: int = 1, opus: bytes = b"") -> VoicePacket:
    return VoicePacket(avatar, sample, PCM, opus or b"\xfc" + sample.to_bytes(6, "big"))


class Line:
    """Two real peer connections with one track between them; `heard` holds (RTP timestamp, payload)."""

    def __init__(self) -> None:
        config = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self.sender, self.receiver = RTCPeerConnection(config), RTCPeerConnection(config)
        self.maps: list[tuple[int, int, int]] = []
        self.heard: list[tuple[int, bytes]] = []
        self.track = VoiceTrack(lambda *entry: self.maps.append(entry))

    async def __aenter__(self) -> "Line":
        transceiver = self.sender.addTransceiver("audio", "sendonly")
        self.track.feed(transceiver.sender)
        await self.sender.setLocalDescription(await self.sender.createOffer())
        await self.receiver.setRemoteDescription(self.sender.localDescription)
        self._tap(self.receiver.getReceivers()[0])
        await self.receiver.setLocalDescription(await self.receiver.createAnswer())
        answer = self.receiver.localDescription
        await self.sender.setRemoteDescription(RTCSessionDescription(answer.sdp, answer.type))
        while self.sender.connectionState != "connected":
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sender.close()
        await self.receiver.close()

    def _tap(self, receiver: RTCRtpReceiver) -> None:
        async def keep(packet, arrival_time_ms: int) -> None:
            self.heard.append((packet.timestamp, packet.payload))

        receiver._handle_rtp_packet = keep

    async def say(self, *packets: VoicePacket) -> None:
        for packet in packets:
            have = len(self.heard)
            self.track.push(packet)
            for _ in range(200):
                if len(self.heard) > have:
                    break
                await asyncio.sleep(0.005)

    def sample_of(self, rtp: int) -> int:
        _, origin, sample = self.maps[-1]
        return sample + ((rtp - origin + 2**31) % 2**32 - 2**31)


async def test_opus_packets_pass_through_unchanged_and_carry_their_sample():
    async with Line() as line:
        line.track.bind(1)
        packets = [voice(48_000_000 + BLOCK * n) for n in range(8)]
        await line.say(*packets)
        assert [payload for _, payload in line.heard] == [p.opus for p in packets]
        assert len(line.maps) == 1
        assert [line.sample_of(rtp) for rtp, _ in line.heard] == [p.sample for p in packets]


async def test_the_map_holds_over_a_gap():
    async with Line() as line:
        line.track.bind(1)
        await line.say(voice(0), voice(960), voice(96_000), voice(96_960))
        assert len(line.maps) == 1
        assert [line.sample_of(rtp) for rtp, _ in line.heard] == [0, 960, 96_000, 96_960]


async def test_a_line_that_changes_hands_goes_on_in_time_and_is_mapped_anew():
    async with Line() as line:
        line.track.bind(1)
        await line.say(voice(960_000), voice(960_960))
        line.track.bind(2)
        await line.say(voice(1920, avatar=2), voice(2880, avatar=2))
        steps = np.diff(np.array([rtp for rtp, _ in line.heard], np.uint32))
        assert (steps == BLOCK).all()
        assert [entry[0] for entry in line.maps] == [1, 2]
        assert [line.sample_of(rtp) for rtp, _ in line.heard[2:]] == [1920, 2880]


async def test_only_fresh_sound_waits_for_a_listener():
    track = VoiceTrack(lambda *_: None)
    track.bind(1)
    for n in range(100):
        track.push(voice(BLOCK * n))
    first = await track.recv()
    assert bytes(first) == voice(BLOCK * 99).opus
    for n in range(100, 200):
        track.push(voice(BLOCK * n))
    assert bytes(await track.recv()) == voice(BLOCK * (200 - BACKLOG)).opus
