"""WebServer: the page, signalling, the WebSocket, avatars, health and metrics over HTTP."""

import asyncio
import errno
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from google.protobuf.json_format import MessageToDict, MessageToJson
from prometheus_client import CONTENT_TYPE_LATEST

import likeness
from likeness.errors import InputError, LikenessError, LimitError, MachineError, NotFoundError
from likeness.stage.config import ServerConfig
from likeness.stage.session import Session
from likeness.stage.stage import Stage
from likeness.transport.client_text import read_hello, read_object
from likeness.transport.gate import Gate, peer_of
from likeness.transport.ice import addresses_of
from likeness.transport.inputs_api import InputsApi
from likeness.transport.metrics import WebMetrics
from likeness.transport.page import ETAG, Page, security_headers, web_root
from likeness.transport.rooms_api import RoomsApi
from likeness.transport.rtc_offer import read_offer
from likeness.transport.webrtc import RtcPeers
from likeness.transport.websocket import new_socket, serve_socket
from likeness.v1 import room_pb2

BODY_LIMIT: Final = 128 << 10
HEADER_LIMIT: Final = 8190
STOP_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebServer:
    """Everything a browser asks for. `clock` gives seconds that never go back."""

    def __init__(
        self, stage: Stage, config: ServerConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stage, self._config, self._clock = stage, config, clock
        self._gate = Gate(config, clock)
        self._web = WebMetrics()
        self._peers = RtcPeers(config, addresses_of(config.host), stage.control_text, self._web, clock)
        self._inputs = InputsApi(stage, config, self._gate)
        self._page = Page(web_root(), lambda: stage.characters)
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None
        self._port = config.port

    @property
    def port(self) -> int:
        """The port in use, also where 0 was asked for."""
        return self._port

    async def start(self) -> None:
        """Bind and serve.

        Raises:
            MachineError: the port is taken or the address is not this machine's.
            InputError: the TLS files cannot be used.
        """
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._errors])
        app.on_response_prepare.append(self._finish_headers)
        app.add_routes(
            [
                web.get("/", self._page.index),
                web.get("/healthz", self._health),
                web.get("/metrics", self._metrics),
                web.get("/api/characters", self._characters),
                web.get("/api/config", self._public_config),
                web.get("/api/takes/{id}", self._take),
                web.post("/api/rtc", self._rtc),
                web.get("/api/ws", self._ws),
                web.get("/avatars/{character}/avatar.glb", self._page.avatar),
                web.get("/avatars/{character}/avatar.lod1.glb", self._page.far_avatar),
                web.get("/avatars/{character}/portrait.png", self._page.portrait),
                *self._inputs.routes(),
                *RoomsApi(self._stage, self._config).routes(),
                web.get("/{path:.+}", self._page.asset),
            ]
        )
        self._runner = web.AppRunner(
            app,
            access_log=None,  # its lines would hold query strings, and a token may be in them
            shutdown_timeout=STOP_SECONDS,
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
        )
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self._config.host, self._config.port, ssl_context=_tls(self._config), backlog=256
        )
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise _bind_error(self._config, error) from None
        self._port = self._runner.addresses[0][1]
        await self._inputs.start()

    async def stop(self) -> None:
        """End every connection, say why, and free the port."""
        await self._inputs.stop()
        await self._peers.stop()
        for ws in tuple(self._sockets):
            await ws.close(code=1001, message=b"the server stops")
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # --- sessions --------------------------------------------------------------------------------------

    async def _rtc(self, request: web.Request) -> web.Response:
        self._gate.check_origin(request)
        self._require_ready()
        body = read_object(await request.read())
        hello = read_hello(body.get("hello"))
        offer = read_offer(body.get("type"), body.get("sdp"))

        opened: list[Session] = []

        async def open_session() -> tuple[Session, room_pb2.Welcome]:
            session, welcome = await self._stage.hello(hello, peer_of(request))
            if not welcome.resumed:
                opened.append(session)
            return session, welcome

        welcome, sdp = await self._peers.answer(offer, open_session)
        if request.transport is None or request.transport.is_closing():
            # Nobody waits for the answer, so nobody can come; who tries again must not meet a double.
            for session in opened:
                await self._stage.end(session, "nobody came")
        return _json({"welcome": MessageToDict(welcome), "sdp": sdp, "type": "answer"})

    async def _ws(self, request: web.Request) -> web.StreamResponse:
        self._gate.check_origin(request)
        self._require_ready()
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise InputError("This address speaks WebSocket; see docs/protocol.md.")
        ws = new_socket()
        self._sockets.add(ws)
        try:
            await serve_socket(
                ws,
                request,
                lambda hello: self._stage.hello(hello, peer_of(request)),
                self._config,
                self._stage.control_text,
                self._web,
                self._clock,
            )
        finally:
            self._sockets.discard(ws)
        return ws

    def _require_ready(self) -> None:
        if not self._stage.ready:
            raise MachineError("The server is still starting, or has stopped taking sessions. See /healthz.")

    # --- facts -----------------------------------------------------------------------------------------

    async def _characters(self, _: web.Request) -> web.Response:
        answer = self._stage.character_list()
        return web.Response(text=MessageToJson(answer, indent=None), content_type="application/json")

    async def _public_config(self, _: web.Request) -> web.Response:
        turn = [
            {"urls": t.url, "username": t.username, "credential": t.credential} for t in self._config.turn
        ]
        return _json(
            {
                "version": likeness.__version__,
                "scenes": list(self._stage.scenes),
                "turn": turn,
                "serverKey": self._stage.server_key.hex(),
                "tokens": bool(self._config.token_secret),
            }
        )

    async def _take(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        takes = self._config.takes
        if not name.isdecimal() or len(name) > 6 or int(name) >= len(takes):
            raise NotFoundError("There is no such take here. Open one with: likeness play take.npz")
        path = takes[int(name)]
        if not path.is_file():
            raise NotFoundError(f"The take {path.name} is gone.")
        return web.FileResponse(
            path, headers={"Cache-Control": "no-store", "Content-Type": "application/octet-stream"}
        )

    async def _health(self, _: web.Request) -> web.Response:
        ready = self._stage.ready
        return _json(
            {"status": "ok" if ready else "unavailable", "version": likeness.__version__},
            status=200 if ready else 503,
        )

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._stage.metrics.text() + self._web.text(), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    # --- around every request ----------------------------------------------------------------------------

    @web.middleware
    async def _errors(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            self._gate.check(request)
            return await handler(request)
        except LikenessError as error:
            return _problem(error.code, str(error), error.http_status)
        except web.HTTPRequestEntityTooLarge:
            error = LimitError(f"The body is larger than {BODY_LIMIT >> 10} KiB.")
            return _problem(error.code, str(error), 413)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            return _problem("method", f"{request.path[:200]} takes {allowed}, not {error.method}.", 405)
        except web.HTTPException as error:
            return _problem("http", error.reason, error.status)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            _log.exception("%s %s failed", request.method, request.path[:200])
            return _problem("internal", "The server failed to answer; its log says why.", 500)

    async def _finish_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        for name, value in security_headers(request.host, request.secure, request.path).items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.popall("Server", None)
        if ETAG in request:
            response.headers["ETag"] = request[ETAG]


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(value, status=status)


def _problem(code: str, text: str, status: int) -> web.Response:
    return _json({"error": {"code": code, "text": text}}, status)


def _tls(config: ServerConfig) -> ssl.SSLContext | None:
    if config.tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls.certificate, config.tls.key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"[tls]: {config.tls.certificate} and {config.tls.key} are not a certificate chain and its key "
            f"in PEM: {error.strerror or error}."
        ) from None
    return context


def _bind_error(config: ServerConfig, error: OSError) -> MachineError:
    where = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return MachineError(
            f"{where} is in use by another program. Choose another port with --port, or 0 for any free one."
        )
    if error.errno == errno.EACCES:
        return MachineError(f"No permission to listen on {where}. Choose a port above 1023 with --port.")
    return MachineError(f"Cannot listen on {where}: {error.strerror or error}. Choose another with --host.")
