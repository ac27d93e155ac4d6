"""InputsApi: what phones and trackers send, listed and bound over HTTP for `likeness inputs`."""

import asyncio
import contextlib
import json
import time
from typing import Final

import numpy as np
from aiohttp import web

from likeness.errors import DeniedError, InputError, NotFoundError
from likeness.head.controls import CONTROLS
from likeness.stage.config import ServerConfig
from likeness.stage.grant import Action, read_token
from likeness.stage.stage import Stage
from likeness.tracking.face import TrackedFace
from likeness.tracking.inputs import Inputs, Source
from likeness.transport.gate import Gate

TICK_SECONDS: Final = 0.25


class InputsApi:
    """The UDP inputs of one server, and the three requests that show, bind and release them."""

    def __init__(self, stage: Stage, config: ServerConfig, gate: Gate) -> None:
        self._stage, self._config, self._gate = stage, config, gate
        self._inputs = Inputs(self._drive, time.monotonic, allow=config.inputs.allow)
        self._task: asyncio.Task[None] | None = None
        self.ports: dict[str, int] = {}
        """Open UDP ports by kind."""

    def routes(self) -> list[web.RouteDef]:
        """What HTTP offers."""
        return [
            web.get("/api/inputs", self._list),
            web.post("/api/inputs/bind", self._bind),
            web.post("/api/inputs/release", self._release),
        ]

    async def start(self) -> None:
        """Listen, where the configuration wants it.

        Raises:
            MachineError: a UDP port is taken.
        """
        if self._config.inputs.enabled:
            self.ports = await self._inputs.listen(self._config.inputs.host, self._config.inputs.ports)
            self._task = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._inputs.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._inputs.tick()

    def _drive(self, session: str, face: TrackedFace | None) -> None:
        found = self._stage.sessions.get(session)
        if found is None:
            # Later, not now: the call comes from within the inputs' own loop.
            asyncio.get_running_loop().call_soon(self._inputs.release, session)
        else:
            found.drive_face(face)

    async def _list(self, request: web.Request) -> web.Response:
        self._operator(request)
        sessions = [
            {"id": s.id, "name": s.name, "character": s.performer.character.name, "consented": s.face_allowed}
            for s in self._stage.sessions.values()
            if s.performer is not None
        ]
        sources = [_row(source) for source in self._inputs.sources()]
        body = {"enabled": self._config.inputs.enabled, "ports": self.ports, "sources": sources}
        return web.json_response(body | {"sessions": sessions, "strangers": self._inputs.strangers})

    async def _bind(self, request: web.Request) -> web.Response:
        self._gate.check_origin(request)
        self._operator(request)
        body = await _body(request, "source", "session")
        session = self._stage.sessions.get(body["session"])
        if session is None:
            raise NotFoundError(f"no session {body['session']!r} is open; `likeness inputs` lists them.")
        agreed = body.get("consent") == "given"
        if not session.face_allowed and not agreed:
            raise DeniedError(
                f"{session.name or session.id} has not allowed face capture; they can on their page, under "
                "'Let a phone or tracker move my face', or tell you that they agree (bind with --consent)."
            )
        self._inputs.bind(body["source"], session.id)
        if not session.face_allowed:
            try:
                session.allow_tracker(body["source"])
            except DeniedError:
                self._inputs.release(session.id)
                raise
        session.record.note("input", {"source": body["source"]})
        return web.json_response({"bound": body["source"], "session": session.id})

    async def _release(self, request: web.Request) -> web.Response:
        self._gate.check_origin(request)
        self._operator(request)
        body = await _body(request, "session")
        self._inputs.release(body["session"])
        return web.json_response({"released": body["session"]})

    def _operator(self, request: web.Request) -> None:
        """Anyone on a loopback server; elsewhere the holder of a token that may moderate."""
        if not self._config.token_secret:
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            raise DeniedError("inputs are for operators: send a token of one as 'Authorization: Bearer ...'.")
        read_token(token.strip(), self._config.token_secret).require(Action.MODERATE)


def _row(source: Source) -> dict[str, object]:
    strongest: dict[str, float] = {}
    if source.face is not None:
        for i in np.argsort(-source.face.controls)[:6].tolist():
            strongest[CONTROLS[i]] = round(float(source.face.controls[i]), 2)
    return {
        "id": source.id,
        "kind": source.kind,
        "address": source.address,
        "session": source.session,
        "received": source.received,
        "refused": source.refused,
        "problem": source.last_problem,
        "rate": round(source.rate, 1),
        "controls": strongest,
    }


async def _body(request: web.Request, *names: str) -> dict[str, str]:
    try:
        found = json.loads(await request.read())
    except ValueError:
        raise InputError("the request's body is not JSON.") from None
    if not isinstance(found, dict) or not all(isinstance(found.get(n), str) for n in names):  # pyright: ignore[reportUnknownMemberType]
        raise InputError(f"the request needs the texts {', '.join(names)}.")
    return {str(n): str(text)[:200] for n, text in found.items() if isinstance(text, str)}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
