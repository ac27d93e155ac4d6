"""Where WebRTC's packets come in: the network addresses on which a connection gathers its candidates."""

import ipaddress
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol, cast

from aiortc import RTCIceServer, RTCPeerConnection
from ifaddr import get_adapters

from likeness.errors import MachineError
from likeness.stage.config import TurnServer


class _Gathering(Protocol):
    def __call__(self, component: int, addresses: list[str], timeout: int = 5) -> Awaitable[list[Any]]: ...


def addresses_of(host: str) -> tuple[str, ...]:
    """The addresses that clients of a server bound to `host` can reach, best first.

    Loopback alone for a server bound to loopback: nothing listens on the network that was not asked for.
    Every address of the machine, loopback included, for a wildcard bind.
    """
    if host == "localhost":
        return ("127.0.0.1",)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return machine_addresses()
    return machine_addresses() if address.is_unspecified else (str(address),)


def machine_addresses() -> tuple[str, ...]:
    """The IPv4 and global IPv6 addresses of this machine; loopback last."""
    found: list[str] = []
    for adapter in get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ipaddress.ip_address(text)
            if not address.is_link_local and not address.is_loopback:
                found.append(str(address))
    return (*found, "127.0.0.1")


def gather_on(pc: RTCPeerConnection, addresses: Sequence[str]) -> None:
    """Let a connection that has its remote offer gather on these addresses.

    aioice leaves loopback out on its own, which would make the default server, and any machine without
    a network, unreachable; and it would open sockets on every other address.
    """
    transports = {t.receiver.transport.transport for t in pc.getTransceivers()}
    if pc.sctp is not None:
        transports.add(pc.sctp.transport.transport)
    for transport in transports:
        agent: Any = getattr(transport.iceGatherer, "_connection", None)
        if not hasattr(agent, "get_component_candidates"):
            raise MachineError(
                "This aioice does not gather candidates as 0.9 to 0.13 do. Install a version in that range."
            )
        original = cast(_Gathering, agent.get_component_candidates)
        agent.get_component_candidates = _limited(original, list(addresses))


def _limited(original: _Gathering, chosen: list[str]) -> _Gathering:
    def gather(component: int, addresses: list[str], timeout: int = 5) -> Awaitable[list[Any]]:
        # With the relay-only policy aioice passes no addresses at all; that stays so.
        return original(component, chosen if addresses else addresses, timeout)

    return gather


def ice_servers(turn: Sequence[TurnServer]) -> list[RTCIceServer]:
    """The configured TURN and STUN servers; by default none, so that nobody outside learns of a session."""
    return [RTCIceServer(t.url, t.username or None, t.credential or None) for t in turn]
