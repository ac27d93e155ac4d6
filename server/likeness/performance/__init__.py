"""One avatar in time: layers to one FlameFrame per tick, packets, takes."""

from likeness.performance.client_packets import (
    ClientDatagram,
    ControlsIn,
    Ping,
    Pong,
    Pose,
    Stop,
    Voice,
    decode_client,
    encode_client,
)
from likeness.performance.frames import Frames
from likeness.performance.packet import (
    DecodedFrame,
    PacketError,
    decode_datagram,
    decode_frame,
    encode_frame,
    encode_frames,
    newer_epoch,
    read_head,
    split_datagrams,
    split_frames,
)
from likeness.performance.take import Take
from likeness.performance.troupe import Troupe

__all__ = [
    "ClientDatagram",
    "ControlsIn",
    "DecodedFrame",
    "Frames",
    "PacketError",
    "Ping",
    "Pong",
    "Pose",
    "Stop",
    "Take",
    "Troupe",
    "Voice",
    "decode_client",
    "decode_datagram",
    "decode_frame",
    "encode_client",
    "encode_frame",
    "encode_frames",
    "newer_epoch",
    "read_head",
    "split_datagrams",
    "split_frames",
]
