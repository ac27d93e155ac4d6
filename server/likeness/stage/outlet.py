"""Outlet: where what a session perceives goes out, one connected subscriber of it."""

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from google.protobuf.json_format import MessageToJson
from numpy.typing import NDArray

from likeness.v1 import room_pb2

BLOCK: Final = 960
"""Samples of one voice packet: 20 ms at 48 kHz."""


@dataclass(frozen=True, slots=True, eq=False)
class VoicePacket:
    """20 ms of one performer's voice, made once and handed to every listener.

    sample: media sample of pcm[0], a multiple of 960. pcm: int16[960], mono, 48 kHz. opus: the same as one
    Opus packet; empty where no listener in the room wants Opus. silent: digital silence (an outlet that
    need not keep a decoder busy may leave it out).
    """

    avatar: int
    sample: int
    pcm: NDArray[np.int16]
    opus: bytes = b""
    silent: bool = False


class Outlet(Protocol):
    """One connected subscriber of a session.

    Methods are called on the event loop, never block and never raise. Whoever reads too slowly drops old
    motion itself (a fresh frame is worth more than a queued one) and closes itself when it cannot keep up
    with control messages.
    """

    @property
    def want_voice(self) -> bool:
        """Send voice packets here at all."""
        ...

    @property
    def want_opus(self) -> bool:
        """Of the voice packets, `opus` is what is read; pcm otherwise."""
        ...

    def send_motion(self, datagram: bytes) -> None:
        """Whole frames of one or more avatars, at most 1100 bytes (docs/protocol.md)."""
        ...

    def send_control(self, message: room_pb2.ServerMessage) -> None:
        """A message that must arrive. It is shared between outlets: do not change it."""
        ...

    def send_voice(self, packet: VoicePacket) -> None:
        """20 ms of somebody's voice; every 20 ms for each audible performer, silence included."""
        ...

    def close(self, reason: str) -> None:
        """The stage is done with this outlet: send what is queued, then disconnect."""
        ...


class ControlText:
    """proto3 JSON of server messages, each written once however many outlets send it."""

    def __init__(self, size: int = 128) -> None:
        self._size = size
        self._texts: OrderedDict[int, tuple[room_pb2.ServerMessage, str]] = OrderedDict()

    def __call__(self, message: room_pb2.ServerMessage) -> str:
        """The message as one line of JSON."""
        # Keyed by identity: the stored reference keeps the id from being used again.
        known = self._texts.get(id(message))
        if known is not None:
            return known[1]
        if message.WhichOneof("body") == "state":
            return _state_text(message.state)  # each receiver has one of its own
        text = MessageToJson(message, indent=None)
        self._texts[id(message)] = (message, text)
        if len(self._texts) > self._size:
            self._texts.popitem(last=False)
        return text


def _state_text(state: room_pb2.RoomState) -> str:
    """A room's state as proto3 JSON. Written by hand: with 30 people the library takes 2 ms, this 0.1 ms, and
    everybody gets one whenever anybody comes or goes."""
    people: list[dict[str, object]] = []
    for p in state.people:
        person: dict[str, object] = {"session": p.session, "role": p.role}
        if p.avatar:
            person["avatar"] = p.avatar
        if p.name:
            person["name"] = p.name
        for flag in _FLAGS:
            if getattr(p, flag):
                person[flag] = True
        people.append(person)
    body: dict[str, object] = {"room": state.room, "code": state.code, "people": people}
    if state.floor:
        body["floor"] = state.floor
    return json.dumps({"state": body})


_FLAGS: Final = ("muted", "frozen", "away", "self", "moderator")
