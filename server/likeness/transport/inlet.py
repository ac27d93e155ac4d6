"""Inlet: what one connected client may send into its session, however wrong or however much."""

import logging
from collections.abc import Callable

import numpy as np

from likeness.errors import LikenessError, LimitError
from likeness.performance import PacketError, Voice, decode_client
from likeness.performance.client_packets import OPUS, VOICE
from likeness.stage.config import LimitConfig
from likeness.stage.outlet import Outlet
from likeness.stage.rate_limit import RateLimit
from likeness.stage.session import Session
from likeness.transport.client_text import read_message
from likeness.transport.opus_ear import OpusEar
from likeness.transport.ping import Pinger
from likeness.v1 import room_pb2

VOICE_RATE = 200.0
"""Voice datagrams a second: packets of 5 ms or more. The session limits the sound in them."""

_log = logging.getLogger(__name__)


class Inlet:
    """Reads one connection's messages and hands them to the session.

    Nothing that a client sends raises here: what is wrong is answered with a notice, at most a few a
    second, or counted. The session has its own limits; here is only what must be held off before a byte
    is parsed or decoded.
    """

    def __init__(
        self,
        session: Session,
        outlet: Outlet,
        limits: LimitConfig,
        pinger: Pinger,
        clock: Callable[[], float],
    ) -> None:
        self._session, self._outlet = session, outlet
        self._limits, self._pinger, self._clock = limits, pinger, clock
        rate = limits.messages_per_second
        self._texts = RateLimit(rate, 2 * rate, clock)
        self._voices = RateLimit(VOICE_RATE, 2 * VOICE_RATE, clock)
        self._notices = RateLimit(1, 4, clock)
        self._ear: OpusEar | None = None
        self.heard = clock()
        """When the client was last heard, in the clock's seconds."""
        self.dropped = 0
        """Messages and datagrams that were too many or could not be read."""

    async def text(self, text: str) -> None:
        """A control message as proto3 JSON."""
        self.heard = self._clock()
        try:
            if not self._texts.take():
                raise LimitError(
                    f"More than {self._limits.messages_per_second:g} messages a second; some were left out. "
                    "Send fewer."
                )
            await self._session.handle(read_message(text, self._limits.message_bytes))
        except LikenessError as error:
            self.dropped += 1
            self.tell(error)
        except Exception:
            # A defect of ours must not end the stay of the person whose message met it.
            _log.exception("a control message of session %s failed", self._session.id)
            self.tell(LikenessError("The server could not handle that message; its log says why."))

    def binary(self, datagram: bytes) -> None:
        """A client datagram of docs/protocol.md."""
        self.heard = self._clock()
        if datagram[:1] == bytes([VOICE]):
            self._voice(datagram)
            return
        self._pinger.take(datagram)
        self._session.handle_datagram(datagram)

    def tell(self, error: LikenessError) -> None:
        """Answer with the error in words, unless it was told a moment ago."""
        if self._notices.take():
            self._outlet.send_control(notice(error))

    def _voice(self, datagram: bytes) -> None:
        try:
            voice = decode_client(datagram) if self._voices.take() else None
        except PacketError:
            voice = None
        if not isinstance(voice, Voice):
            self.dropped += 1
            return
        if voice.codec != OPUS:
            self._session.push_microphone(np.frombuffer(voice.payload, "<i2"))
            return
        self._ear = self._ear or OpusEar()
        pcm = self._ear.decode(voice.payload)
        if pcm is None:
            self.dropped += 1
        else:
            self._session.push_microphone(pcm)


def notice(error: LikenessError, *, fatal: bool = False) -> room_pb2.ServerMessage:
    """A notice with an error's code and words."""
    level = room_pb2.Notice.ERROR if fatal else room_pb2.Notice.WARNING
    return room_pb2.ServerMessage(
        notice=room_pb2.Notice(level=level, code=error.code, text=str(error), fatal=fatal)
    )
