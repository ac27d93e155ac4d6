"""Inputs: phones and trackers that send faces over UDP, listed by source and bound to sessions.

None of these senders authenticates. So: loopback unless configured, an allow-list of addresses, one source
bound to one session by an operator's choice, and everything else only counted.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

from likeness.errors import InputError, LikenessError, LimitError, MachineError, NotFoundError
from likeness.tracking import ifacialmocap, live_link_face, open_see_face, unified_expressions
from likeness.tracking.face import TrackedFace

MAX_SOURCES: Final = 64
FORGET_SECONDS: Final = 60.0
LOST_SECONDS: Final = 1.0
MAX_RATE: Final = 240.0
"""Datagrams a second that one source may send; the rest is dropped and counted."""

Parse = Callable[[bytes, float], TrackedFace | None]
"""Bytes and the time of arrival (s) -> a face; None where the datagram adds nothing (out of order)."""


@dataclass(slots=True)
class Source:
    """One sender: what it is, what came, and whom it drives."""

    id: str
    kind: str
    address: str
    parse: Parse
    session: str | None = None
    received: int = 0
    refused: int = 0
    last_problem: str = ""
    last_seen: float = 0.0
    rate: float = 0.0
    face: TrackedFace | None = None
    _allowance: float = field(default=MAX_RATE, repr=False)

    def admits(self, now: float) -> bool:
        """Whether the rate limit lets one more datagram through."""
        self._allowance = min(MAX_RATE, self._allowance + (now - self.last_seen) * MAX_RATE)
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


class Inputs:
    """Listens on the kinds' ports and hands each bound source's faces on.

    on_face(session, face) is called for every face of a bound source; a source that falls silent for a
    second hands on a face without confidence, once. clock: monotonic seconds.
    """

    def __init__(
        self,
        on_face: Callable[[str, TrackedFace | None], None],
        clock: Callable[[], float],
        *,
        allow: Sequence[str] = ("127.0.0.0/8", "::1/128"),
    ) -> None:
        self._on_face = on_face
        self._clock = clock
        self._allow = [_network(a) for a in allow]
        self._sources: dict[str, Source] = {}
        self._transports: list[asyncio.DatagramTransport] = []
        self.strangers = 0
        """Datagrams from addresses that are not on the allow-list."""

    async def listen(self, host: str = "127.0.0.1", ports: Mapping[str, int] | None = None) -> dict[str, int]:
        """Open one UDP port a kind; returns the ports (0 asks for a free one).

        Raises:
            MachineError: a port is taken.
        """
        opened: dict[str, int] = {}
        loop = asyncio.get_running_loop()
        for kind, default in PORTS.items():
            port = (ports or PORTS).get(kind, default)
            try:
                transport, _ = await loop.create_datagram_endpoint(
                    lambda kind=kind: _Listener(self, kind), local_addr=(host, port)
                )
            except OSError as error:
                self.close()
                raise MachineError(
                    f"UDP port {port} for {kind} on {host} cannot be opened "
                    f"({error.strerror}): choose another under [inputs] in likeness.toml."
                ) from None
            self._transports.append(transport)
            opened[kind] = transport.get_extra_info("sockname")[1]
        return opened

    def close(self) -> None:
        """Stop listening."""
        for transport in self._transports:
            transport.close()
        self._transports.clear()

    def sources(self) -> list[Source]:
        """Everything that was heard within the last minute."""
        self._tidy()
        return sorted(self._sources.values(), key=lambda s: s.id)

    def bind(self, source: str, session: str) -> None:
        """Let a source drive a session; it drives that one only.

        Raises:
            NotFoundError: no such source has been heard.
            LimitError: it drives another session already.
        """
        found = self._sources.get(source)
        if found is None:
            heard = ", ".join(self._sources) or "nothing yet"
            raise NotFoundError(f"No input '{source}': heard so far: {heard}.")
        if found.session not in (None, session):
            raise LimitError(f"Input '{source}' drives session {found.session}; release it there first.")
        for other in self._sources.values():
            if other.session == session:
                other.session = None
        found.session = session

    def release(self, session: str) -> None:
        """No source drives this session any more."""
        for source in self._sources.values():
            if source.session == session:
                source.session = None
                self._on_face(session, None)

    def tick(self) -> None:
        """Call now and then: sources that fell silent let go of the face."""
        now = self._clock()
        for source in self._sources.values():
            if source.session and source.face is not None and now - source.last_seen > LOST_SECONDS:
                source.face = None
                self._on_face(source.session, None)
        self._tidy()

    def take(self, kind: str, data: bytes, host: str, port: int) -> None:
        """One datagram. Never raises: what cannot be used is counted with its reason."""
        address = ip_address(host.partition("%")[0])
        if not any(address in network for network in self._allow):
            self.strangers += 1
            return
        now = self._clock()
        source = self._source(kind, f"{host}:{port}")
        if source is None or not source.admits(now):
            self.strangers += source is None
            return
        gap = now - source.last_seen
        try:
            face = source.parse(data, now)
        except InputError as error:
            source.refused += 1
            source.last_problem = str(error)
            return
        source.last_seen = now
        if face is None:
            source.refused += 1
            source.last_problem = "out of order or sent twice"
            return
        source.received += 1
        if 0 < gap < 1:
            source.rate += 0.1 * (1 / gap - source.rate)
        source.face = face
        if source.session is not None:
            self._on_face(source.session, face)

    def _source(self, kind: str, address: str) -> Source | None:
        name = f"{kind}@{address}"
        if name not in self._sources:
            self._tidy()
            if len(self._sources) >= MAX_SOURCES:
                return None
            self._sources[name] = Source(name, kind, address, _PARSERS[kind](), last_seen=self._clock())
        return self._sources[name]

    def _tidy(self) -> None:
        now = self._clock()
        for name, source in list(self._sources.items()):
            if source.session is None and now - source.last_seen > FORGET_SECONDS:
                del self._sources[name]


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, inputs: Inputs, kind: str) -> None:
        self._inputs = inputs
        self._kind = kind

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._inputs.take(self._kind, data, str(addr[0]), int(addr[1]))

    def error_received(self, exc: Exception) -> None:
        """An ICMP answer to nothing that we sent: of no interest."""


def _live_link() -> Parse:
    last: dict[str, int] = {}

    def parse(data: bytes, _now: float) -> TrackedFace | None:
        packet = live_link_face.parse(data)
        # A restarted app counts from 0 again: a jump back by more than a second is a new start.
        before = last.get(packet.device)
        if before is not None and 0 <= before - packet.frame < 60:
            return None
        last.clear()
        last[packet.device] = packet.frame
        return live_link_face.to_face(packet)

    return parse


def _open_see_face() -> Parse:
    last = -1.0

    def parse(data: bytes, _now: float) -> TrackedFace | None:
        nonlocal last
        faces = open_see_face.parse(data)
        if 0 <= last - faces[0].time < 1:
            return None
        last = faces[0].time
        return open_see_face.to_face(faces[0])

    return parse


def _unified() -> Parse:
    state = unified_expressions.UnifiedFace()

    def parse(data: bytes, now: float) -> TrackedFace | None:
        parameters = unified_expressions.parse(data)
        return state.update(parameters, now) if parameters else None

    return parse


def _ifacialmocap() -> Parse:
    return ifacialmocap.parse


PORTS: Final[Mapping[str, int]] = {
    "live-link-face": live_link_face.PORT,
    "vrcft": unified_expressions.PORT,
    "open-see-face": open_see_face.PORT,
    "ifacialmocap": ifacialmocap.PORT,
}
"""Kinds of sender and their customary UDP ports."""

_PARSERS: Final[Mapping[str, Callable[[], Parse]]] = {
    "live-link-face": _live_link,
    "vrcft": _unified,
    "open-see-face": _open_see_face,
    "ifacialmocap": _ifacialmocap,
}


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise LikenessError(
            f"[inputs] allow: '{text}' is not an address or network; write 192.168.1.20 or 192.168.1.0/24."
        ) from None
