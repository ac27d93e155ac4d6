"""WebRTC: one peer connection per session, with two data channels, the voices and the microphone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from aiortc import (
    InvalidStateError,
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, OperationError
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from likeness.errors import InputError
from likeness.performance.packet import MOTION_KIND
from likeness.stage.config import ServerConfig
from likeness.stage.outlet import ControlText, VoicePacket
from likeness.stage.session import Session
from likeness.transport.ice import gather_on, ice_servers
from likeness.transport.inlet import Inlet
from likeness.transport.metrics import WebMetrics
from likeness.transport.microphone_line import hear_at_once, mono
from likeness.transport.ping import Pinger
from likeness.transport.rtc_offer import Offer
from likeness.transport.voice_track import VoiceTrack
from likeness.v1 import room_pb2, stream_pb2

CONNECT_SECONDS: Final = 10.0
"""A connection that is not up by then is given up; the client has long gone to its WebSocket."""
WATCH_SECONDS: Final = 0.5
MOTION_BUFFER: Final = 8 << 10
"""Bytes on the motion channel that may wait; beyond, datagrams are dropped until it drains."""
AGAIN: Final = 0.008
"""Seconds after which motion goes out a second time, in the middle between two ticks."""
CONTROL_BUFFER: Final = 1 << 20
"""Bytes on the control channel that may wait; beyond, the reader is cut."""
EARLY_CONTROL: Final = 1000
"""Control messages kept until the channel opens."""
IDLE_LINE: Final = 1.0
"""Seconds without a packet after which another voice may have an audio line."""
TEXT_QUEUE: Final = 64
"""Control messages of one client that wait for the session; beyond, the connection is cut."""


class RtcPeer:
    """One WebRTC connection: the Outlet of its session, and its inlet. Made by RtcPeers."""

    want_voice = True
    want_opus = True

    def __init__(
        self,
        pc: RTCPeerConnection,
        offer: Offer,
        session: Session,
        welcome: room_pb2.Welcome,
        config: ServerConfig,
        text_of: ControlText,
        metrics: WebMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._pc, self._offer, self._session = pc, offer, session
        self._config, self._text_of, self._clock = config, text_of, clock
        self._own = welcome.avatar
        self._pinger = Pinger(clock, metrics.round_trip.observe)
        self._inlet = Inlet(session, self, config.limits, self._pinger, clock)
        self._texts: asyncio.Queue[str] = asyncio.Queue(TEXT_QUEUE)
        self._early: list[room_pb2.ServerMessage] = []
        self._lines: dict[str, VoiceTrack] = {}
        self._ears: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()
        self._behind_since: float | None = None
        self._moved_at = 0.0
        self._again: asyncio.TimerHandle | None = None
        """When motion was sent last, and the copy of it that is still to go."""
        self._born = clock()
        self.connected = False
        self.dropped = 0
        """Datagrams left out because the reader was too slow."""
        self.sent_bytes = 0
        self.reason = ""
        """Why the connection ended."""
        self._control = pc.createDataChannel("control", negotiated=True, id=0, ordered=True)
        self._motion = pc.createDataChannel("motion", negotiated=True, id=1, ordered=False, maxRetransmits=0)
        self._listen()
        self._open_lines()

    def send_motion(self, datagram: bytes) -> None:
        if self._motion.readyState != "open":
            return
        if self._motion.bufferedAmount > MOTION_BUFFER:
            self.dropped += 1
            if self._behind_since is None:
                self._behind_since = self._clock()
            return
        self._behind_since = None
        self._send(self._motion, datagram)
        if datagram[0] == MOTION_KIND:
            self._send_again(datagram)

    def _send_again(self, datagram: bytes) -> None:
        """Send motion a second time between two ticks, if nothing newer has come and no others go with it.

        Lost datagrams are not sent anew. A copy of a few faces costs next to nothing, and then it takes two
        losses for a frame to be missing. In a crowd a tick fills several datagrams: there the link is spared.
        """
        now = self._clock()
        alone, self._moved_at = now - self._moved_at > AGAIN / 2, now
        if self._again is not None:
            self._again.cancel()
        self._again = asyncio.get_running_loop().call_later(AGAIN, self._repeat, datagram) if alone else None

    def _repeat(self, datagram: bytes) -> None:
        self._again = None
        if self._motion.readyState == "open" and not self._motion.bufferedAmount:
            self._send(self._motion, datagram)

    def send_control(self, message: room_pb2.ServerMessage) -> None:
        if message.WhichOneof("body") == "left":
            self._free_line(message.left.avatar)
        if self._control.readyState == "open":
            if self._control.bufferedAmount > CONTROL_BUFFER:
                self.close("slow")
            else:
                self._send(self._control, self._text_of(message))
        elif self._control.readyState == "connecting" and len(self._early) < EARLY_CONTROL:
            self._early.append(message)

    def send_voice(self, packet: VoicePacket) -> None:
        line = self._line_of(packet.avatar)
        if line is not None and packet.opus:
            line.pushed_at = self._clock()
            line.push(packet)

    def close(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._ended.set()

    async def run(self) -> None:
        """Live until the connection ends for whatever reason; then detach from the session."""
        tasks = [
            asyncio.create_task(self._read_texts(), name="rtc texts"),
            asyncio.create_task(self._watch(), name="rtc watch"),
            *self._ears,
        ]
        try:
            await self._ended.wait()
            # What the stage said last should still leave.
            await asyncio.sleep(0.05)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._session.detach(self)
            if self.reason == "slow":
                self._session.cut_slow()
            with suppress(ConnectionError):
                await self._pc.close()

    def _listen(self) -> None:
        pc, control, motion = self._pc, self._control, self._motion

        def on_control(data: str | bytes) -> None:
            if not isinstance(data, str):
                self._inlet.tell(
                    InputError("The control channel carries text: ClientMessage as proto3 JSON.")
                )
                return
            self._inlet.heard = self._clock()
            try:
                self._texts.put_nowait(data)
            except asyncio.QueueFull:
                self.close("flood")

        def on_motion(data: str | bytes) -> None:
            self._inlet.binary(data if isinstance(data, bytes) else data.encode())

        def on_open() -> None:
            early, self._early = self._early, []
            for message in early:
                self.send_control(message)

        def on_motion_open() -> None:
            self.connected = True

        def on_state() -> None:
            if pc.connectionState in ("failed", "closed"):
                self.close("closed")

        def on_channel(_: RTCDataChannel) -> None:
            # Both channels are negotiated; whoever opens more is no client of ours.
            self.close("channels")

        control.on("message", on_control)
        control.on("open", on_open)
        control.on("close", lambda: self.close("closed"))
        motion.on("message", on_motion)
        motion.on("open", on_motion_open)
        pc.on("connectionstatechange", on_state)
        pc.on("datachannel", on_channel)

    def _open_lines(self) -> None:
        """Give each audio line that the client can receive a track; start hearing its microphone."""
        for transceiver in self._pc.getTransceivers():
            mid = transceiver.mid
            if mid in self._offer.voices:
                track = VoiceTrack(self._on_map(mid))
                track.feed(transceiver.sender)
                self._lines[mid] = track
            hears = mid == self._offer.microphone
            transceiver.direction = (
                "sendrecv" if hears and mid in self._lines else "recvonly" if hears else "sendonly"
            )
            if hears:
                hear_at_once(transceiver.receiver)
                self._ears.append(
                    asyncio.create_task(self._hear(transceiver.receiver.track), name="rtc microphone")
                )
        if self._own and self._lines:
            next(iter(self._lines.values())).bind(self._own)

    def _on_map(self, mid: str) -> Callable[[int, int, int], None]:
        def tell(avatar: int, rtp_timestamp: int, sample: int) -> None:
            rtp = stream_pb2.RtpMap(avatar=avatar, mid=mid, rtp_timestamp=rtp_timestamp, sample=sample)
            self.send_control(room_pb2.ServerMessage(rtp=rtp))

        return tell

    def _line_of(self, avatar: int) -> VoiceTrack | None:
        """The line that carries this avatar's voice; a free one becomes it."""
        free: VoiceTrack | None = None
        idle: VoiceTrack | None = None
        for line in self._lines.values():
            if line.avatar == avatar:
                return line
            if free is None and line.avatar == 0:
                free = line
            if line.avatar != self._own and (idle is None or line.pushed_at < idle.pushed_at):
                idle = line
        # More people may speak one after another than there are lines: the one quiet longest is used again.
        if free is None and idle is not None and self._clock() - idle.pushed_at > IDLE_LINE:
            free = idle
        if free is not None:
            free.bind(avatar)
        return free

    def _free_line(self, avatar: int) -> None:
        for line in self._lines.values():
            if line.avatar == avatar:
                line.bind(0)

    def _send(self, channel: RTCDataChannel, data: str | bytes) -> None:
        self.sent_bytes += len(data)
        with suppress(ConnectionError, ValueError):
            channel.send(data)

    async def _read_texts(self) -> None:
        while True:
            await self._inlet.text(await self._texts.get())

    async def _hear(self, track: MediaStreamTrack) -> None:
        """Hand the microphone's sound to the session."""
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame):
                    self._inlet.heard = self._clock()
                    self._session.push_microphone(mono(frame), frame.sample_rate)

    async def _watch(self) -> None:
        times = self._config.stage
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = self._clock()
            if not self.connected:
                if now - self._born > CONNECT_SECONDS:
                    self.close("not connected")
                self._inlet.heard = now
                continue
            behind = 0.0 if self._behind_since is None else now - self._behind_since
            # Pings go both ways and need no room in our queues, so silence counts for slow readers too.
            if behind > times.slow_seconds:
                self.close("slow")
            elif now - self._inlet.heard > times.dead_seconds:
                self.close("silent")
            elif owed_memory(self._pc):
                self.close("flood")
            elif self._motion.readyState == "open" and self._motion.bufferedAmount <= MOTION_BUFFER:
                self._send(self._motion, self._pinger.ping())


class RtcPeers:
    """All WebRTC connections of one server."""

    def __init__(
        self,
        config: ServerConfig,
        addresses: Sequence[str],
        text_of: ControlText,
        metrics: WebMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._config, self._addresses, self._metrics = config, addresses, metrics
        self._text_of, self._clock = text_of, clock
        self._running: dict[RtcPeer, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[RtcPeer]:
        return iter(tuple(self._running))

    async def answer(
        self, offer: Offer, open_session: Callable[[], Awaitable[tuple[Session, room_pb2.Welcome]]]
    ) -> tuple[room_pb2.Welcome, str]:
        """Open (or resume) a session over a new connection; returns its welcome and the answer's SDP.

        The session is opened only once the offer has proved usable. Raises LikenessError.
        """
        pc = RTCPeerConnection(
            RTCConfiguration(
                iceServers=ice_servers(self._config.turn), bundlePolicy=RTCBundlePolicy.MAX_BUNDLE
            )
        )
        try:
            await _take_offer(pc, offer)
            gather_on(pc, self._addresses)
            session, welcome = await open_session()
        except BaseException:
            await pc.close()
            raise
        peer = RtcPeer(pc, offer, session, welcome, self._config, self._text_of, self._metrics, self._clock)
        session.attach(peer)
        task = asyncio.create_task(peer.run(), name=f"rtc {session.id}")
        self._running[peer] = task
        self._metrics.connections.labels("webrtc").inc()
        task.add_done_callback(lambda _: self._ended(peer))
        try:
            await pc.setLocalDescription(await pc.createAnswer())
        except BaseException:
            peer.close("failed")
            raise
        return welcome, pc.localDescription.sdp

    async def stop(self) -> None:
        """End all connections."""
        tasks = list(self._running.values())
        for peer in self:
            peer.close("the server stops")
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    def _ended(self, peer: RtcPeer) -> None:
        self._running.pop(peer, None)
        self._metrics.end("webrtc", peer.reason, peer.dropped, peer.sent_bytes)


async def _take_offer(pc: RTCPeerConnection, offer: Offer) -> None:
    # Opus alone: the voices are ready-made Opus packets. aiortc settles codecs while it takes the offer,
    # so the lines must be there before.
    opus = [c for c in RTCRtpSender.getCapabilities("audio").codecs if c.mimeType.lower() == "audio/opus"]
    for _ in range(offer.audio_lines):
        pc.addTransceiver("audio").setCodecPreferences(opus)
    try:
        await pc.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
    except (OperationError, InvalidStateError, InternalError, ValueError, AssertionError, KeyError) as error:
        reason = str(error)[:160] or type(error).__name__
        raise InputError(f"The offer cannot be answered: {reason}.") from None


def owed_memory(pc: RTCPeerConnection) -> int:
    """Bytes of unfinished messages beyond the window that was offered; aiortc counts but does not refuse."""
    window = getattr(pc.sctp, "_advertised_rwnd", 0)
    return max(0, -window) if isinstance(window, int) else 0
