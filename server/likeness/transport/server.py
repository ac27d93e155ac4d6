"""serve: one server, from its configuration to a clean stop."""

import asyncio
import gc
import logging
import signal
import sys
import webbrowser
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from likeness.speech import load_voice
from likeness.stage.animate import Animator
from likeness.stage.config import TLS_ADVICE, ServerConfig, check_config
from likeness.stage.engine_process import EngineProcess
from likeness.stage.record import open_archive
from likeness.stage.stage import Stage

if TYPE_CHECKING:
    from likeness.transport.grpc_server import GrpcServer
    from likeness.transport.http import WebServer

ANIMATION_NICE: Final = 5
"""Animate works behind the rooms, which cannot wait."""
SWITCH_SECONDS: Final = 0.0005
"""How long Python lets one thread run while another waits: the default of 5 ms is a third of a frame."""

_log = logging.getLogger(__name__)


async def serve(config: ServerConfig, *, open_page: bool | str = False) -> None:
    """Run a server until SIGINT or SIGTERM.

    `open_page`: open the browser when ready; a text is the path to open.

    Raises:
        MachineError: a port is in use, the data folder cannot be written, or a part of the machine is
            missing; nothing is left running. InputError: an unsafe or impossible configuration.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    server = Server(config)
    try:
        await server.start()
        print(server.greeting, flush=True)
        if open_page:
            path = open_page if isinstance(open_page, str) else "/"
            await asyncio.to_thread(webbrowser.open, server.url + path)
        await stop.wait()
        print("Stopping.", flush=True)
    finally:
        await server.stop()


class Server:
    """Stage, gRPC and HTTP of one configuration. `stop` may be called whatever `start` got to."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.http_port = config.port
        self.grpc_port = config.grpc_port
        self._stage: Stage | None = None
        self._undo: list[tuple[str, Callable[[], Awaitable[None] | None]]] = []

    async def start(self) -> None:
        """Start everything; returns when it can be used. Raises as `serve`."""
        config = self.config
        check_config(config)
        archive = await asyncio.to_thread(open_archive, config.data)
        self._undo.append(("ledger", archive.close))
        engine = EngineProcess(config.limits.sessions)
        stage = Stage(config, voice=load_voice(config.voice), engine=engine, archive=archive)
        self._stage = stage
        self._undo.append(("stage", stage.stop))
        # The engine's process takes seconds to load its models: meanwhile the rest is imported, and a port
        # in use is found at once. Until the stage is ready, whoever comes is told so.
        starting = asyncio.create_task(stage.start())
        try:
            grpc_server, web_server = await asyncio.to_thread(_transports)
            animator = Animator(stage, EngineProcess(config.limits.animations, ANIMATION_NICE))
            self._undo.append(("animations", animator.stop))
            web = web_server(stage, config)
            self._undo.append(("HTTP", web.stop))
            await web.start()
            self.http_port = web.port
            grpc = grpc_server(stage, animator, config) if config.grpc_port >= 0 else None
            if grpc is not None:
                self._undo.append(("gRPC", grpc.stop))
                await grpc.start()
                self.grpc_port = grpc.port
        except BaseException:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            raise
        await starting
        if grpc is not None:
            await grpc.announce()
        self._undo.append(("sessions", stage.end_all))
        # What lives now lives long: collections during a tick need not look at it again.
        gc.collect()
        gc.freeze()
        animator.start()

    async def stop(self) -> None:
        """Stop in the opposite order; what fails to stop is logged and does not keep the rest."""
        while self._undo:
            name, undo = self._undo.pop()
            try:
                result = undo()
                if result is not None:
                    await result
            except Exception:
                _log.exception("%s did not stop cleanly", name)

    @property
    def stage(self) -> Stage:
        """The stage; there is one once `start` has returned."""
        if self._stage is None:
            raise RuntimeError("the server was not started.")
        return self._stage

    @property
    def url(self) -> str:
        """The address of the page, with the port in use."""
        return self.config.url_at(self.http_port)

    @property
    def greeting(self) -> str:
        """What a person who started the server should know."""
        config = self.config
        lines = [f"Likeness is ready: {self.url}"]
        if config.grpc_port >= 0:
            lines.append(f"gRPC: {config.host}:{self.grpc_port}")
        if not config.loopback and config.tls is None:
            lines.append(f"Others can reach this server without TLS. {TLS_ADVICE}")
        lines.append("Ctrl-C stops it.")
        return "\n".join(lines)


def _transports() -> tuple[type["GrpcServer"], type["WebServer"]]:
    from likeness.transport.grpc_server import GrpcServer
    from likeness.transport.http import WebServer

    return GrpcServer, WebServer
