"""GrpcServer: Animate, Join and ListCharacters over grpc.aio, with reflection and health."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Final, Generic, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from likeness.errors import InputError, LikenessError, MachineError
from likeness.stage.animate import Animator
from likeness.stage.config import ServerConfig
from likeness.stage.outlet import Outlet
from likeness.stage.session import Session
from likeness.stage.stage import Stage
from likeness.transport.grpc_outlet import GrpcOutlet
from likeness.v1 import likeness_pb2, room_pb2, stream_pb2

_log = logging.getLogger(__name__)

SERVICE: Final = likeness_pb2.DESCRIPTOR.services_by_name["Likeness"].full_name
RECEIVE_LIMIT: Final = (1 << 20) + (1 << 16)
"""Bytes of one request: 1 MiB of audio and its envelope."""
HELLO_SECONDS: Final = 10.0
"""The first message must come within this time."""
SPARE_CALLS: Final = 32
"""Calls at once beside sessions and animations: lists, health, and hellos that will be refused in words."""
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # a second server on the same port is an error, not a lottery
    ("grpc.max_receive_message_length", RECEIVE_LIMIT),
    ("grpc.max_send_message_length", -1),
    # A peer that vanished is noticed within three seconds.
    ("grpc.keepalive_time_ms", 1200),
    ("grpc.keepalive_timeout_ms", 1300),
    ("grpc.http2.ping_timeout_ms", 1300),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A slow reader's old frames should wait here, where they can be dropped, not in the connection.
    ("grpc.http2.write_buffer_size", 16 << 10),
)

M = TypeVar("M", bound=Message)
Context = grpc.aio.ServicerContext[Any, Any]


class GrpcServer:
    """The service on a port of its own."""

    def __init__(self, stage: Stage, animator: Animator, config: ServerConfig) -> None:
        self._stage = stage
        self._animator = animator
        self._config = config
        self._server: grpc.aio.Server | None = None
        self._health = HealthServicer()
        self.port = config.grpc_port
        """The port in use, also where 0 was asked for."""

    async def start(self) -> None:
        """Bind and serve. Raises MachineError when the port is taken."""
        limits = self._config.limits
        server = grpc.aio.server(
            options=_OPTIONS, maximum_concurrent_rpcs=limits.sessions + limits.animations + SPARE_CALLS
        )
        server.add_generic_rpc_handlers((self._handlers(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        self.port = _bind(server, self._config)
        await server.start()
        self._server = server

    async def announce(self) -> None:
        """Tell the health service that the server can be used."""
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """End every call; clients are told first that the service goes away."""
        await self._health.enter_graceful_shutdown()
        if self._server is not None:
            await self._server.stop(1.0)
            self._server = None

    def _handlers(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Animate": grpc.stream_stream_rpc_method_handler(
                    self._animate,
                    request_deserializer=_reader(likeness_pb2.AnimateRequest),
                    response_serializer=likeness_pb2.AnimateResponse.SerializeToString,
                ),
                "Join": grpc.stream_stream_rpc_method_handler(
                    self._join,
                    request_deserializer=_reader(room_pb2.ClientMessage),
                    response_serializer=room_pb2.ServerMessage.SerializeToString,
                ),
                "ListCharacters": grpc.unary_unary_rpc_method_handler(
                    self._list_characters,
                    request_deserializer=_reader(likeness_pb2.ListCharactersRequest),
                    response_serializer=likeness_pb2.ListCharactersResponse.SerializeToString,
                ),
            },
        )

    async def _list_characters(
        self, request: "Parsed[likeness_pb2.ListCharactersRequest]", context: Context
    ) -> likeness_pb2.ListCharactersResponse:
        del request  # it has no fields; whatever bytes came mean the same
        del context
        return self._stage.character_list()

    async def _animate(
        self, requests: "AsyncIterator[Parsed[likeness_pb2.AnimateRequest]]", context: Context
    ) -> None:
        async def parsed() -> AsyncIterator[likeness_pb2.AnimateRequest]:
            async for request in requests:
                yield request.get()

        try:
            async with aclosing(self._animator.animate(parsed(), context.peer())) as responses:
                async for response in responses:
                    await context.write(response)
        except LikenessError as error:
            await _abort(context, error)
        except Exception:
            _log.exception("Animate failed")
            await context.abort(grpc.StatusCode.INTERNAL, "the server failed; its log says why.")

    async def _join(
        self, requests: "AsyncIterator[Parsed[room_pb2.ClientMessage]]", context: Context
    ) -> None:
        try:
            hello = await _first_hello(requests)
            session, welcome = await self._stage.hello(hello, context.peer())
        except LikenessError as error:
            await _abort(context, error)
            return
        codec = hello.voice_codec or stream_pb2.VoiceChunk.PCM16
        outlet = GrpcOutlet(
            hello.want_voice, codec, self._stage.now, self._config.stage.slow_seconds, hello.bundles
        )
        tasks: list[asyncio.Task[Any]] = []
        try:
            await context.write(room_pb2.ServerMessage(welcome=welcome))
            session.attach(outlet)
            writer = asyncio.create_task(outlet.write_all(context.write), name=f"grpc writer of {session.id}")
            cut = asyncio.create_task(outlet.cut.wait())
            reader = asyncio.create_task(
                _read(requests, session, outlet), name=f"grpc reader of {session.id}"
            )
            tasks += [writer, cut, reader]
            # The reader may end first: a client may stop sending and go on listening.
            await asyncio.wait((writer, cut), return_when=asyncio.FIRST_COMPLETED)
            if outlet.cut.is_set():
                self._stage.metrics.slow_readers.inc()
                context.set_code(grpc.StatusCode.RESOURCE_EXHAUSTED)
                context.set_details(outlet.reason)
        finally:
            session.detach(outlet)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Parsed(Generic[M]):
    """A request, or the reason why its bytes are none; parsing must not end in a bare INTERNAL."""

    def __init__(self, message: M | None, kind: str) -> None:
        self._message = message
        self._kind = kind

    def get(self) -> M:
        """The message. Raises InputError."""
        if self._message is None:
            raise InputError(f"these bytes are no {self._kind}; see protos/likeness/v1.")
        return self._message


def _reader(kind: type[M]) -> Callable[[bytes], Parsed[M]]:
    def read(data: bytes) -> Parsed[M]:
        try:
            return Parsed(kind.FromString(data), kind.DESCRIPTOR.full_name)
        except DecodeError:
            return Parsed[M](None, kind.DESCRIPTOR.full_name)

    return read


async def _first_hello(requests: "AsyncIterator[Parsed[room_pb2.ClientMessage]]") -> room_pb2.Hello:
    try:
        first = await asyncio.wait_for(anext(requests, None), HELLO_SECONDS)
    except TimeoutError:
        raise InputError(f"no hello within {HELLO_SECONDS:g} s; the first message must be one.") from None
    if first is None or first.get().WhichOneof("body") != "hello":
        raise InputError("the first message must be a hello.")
    return first.get().hello


async def _read(
    requests: "AsyncIterator[Parsed[room_pb2.ClientMessage]]", session: Session, outlet: Outlet
) -> None:
    """Hand the client's messages to its session."""
    async for request in requests:
        if session.outlet is not outlet:
            return  # the session was resumed somewhere else
        try:
            await session.handle(request.get())
        except InputError as error:
            session.reject(error)
        except Exception:
            _log.exception("a message of session %s failed", session.id)


async def _abort(context: Context, error: LikenessError) -> None:
    status = getattr(grpc.StatusCode, error.grpc_status)
    await context.abort(status, str(error), trailing_metadata=(("likeness-code", error.code),))


def _bind(server: grpc.aio.Server, config: ServerConfig) -> int:
    host = "127.0.0.1" if config.host == "localhost" else config.host
    address = f"[{host}]:{config.grpc_port}" if ":" in host else f"{host}:{config.grpc_port}"
    try:
        # Tried by ourselves first: gRPC's core prints its own words about a port that it cannot have.
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, config.grpc_port))
        if config.tls is None:
            return server.add_insecure_port(address)
        pair = (config.tls.key.read_bytes(), config.tls.certificate.read_bytes())
        return server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    except (RuntimeError, OSError):
        raise MachineError(
            f"the gRPC port {address} is in use by another program or not allowed. "
            "Choose another with --grpc-port, or 0 for any free one."
        ) from None
