"""RoomsApi: the rooms of a server over HTTP: what to invite others with."""

from aiohttp import web

from likeness.errors import DeniedError, NotFoundError
from likeness.stage.config import ServerConfig
from likeness.stage.grant import Action, Grant
from likeness.stage.room import Room
from likeness.stage.stage import Stage
from likeness.transport.gate import peer_of


class RoomsApi:
    """Two requests: one room by its id or code, and all of them."""

    def __init__(self, stage: Stage, config: ServerConfig) -> None:
        self._stage, self._config = stage, config

    def routes(self) -> list[web.RouteDef]:
        """What HTTP offers."""
        return [web.get("/api/rooms", self._list), web.get("/api/rooms/{room}", self._one)]

    async def _list(self, request: web.Request) -> web.Response:
        grant = self._grant(request)
        grant.require(Action.MODERATE)
        rooms = [r for r in self._stage.rooms.values() if grant.room in ("", r.id)]
        return web.json_response({"rooms": [self._row(request, room) for room in rooms]})

    async def _one(self, request: web.Request) -> web.Response:
        grant = self._grant(request)
        id = self._stage.find_room(request.match_info["room"], peer_of(request))
        room = self._stage.rooms.get(id)
        if room is None or grant.room not in ("", id):
            raise NotFoundError(f"there is no room {id[:40]!r} that you may join; ask for its link again.")
        return web.json_response(self._row(request, room))

    def _grant(self, request: web.Request) -> Grant:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if self._config.token_secret and scheme != "Bearer":
            raise DeniedError("this needs a token: send it as 'Authorization: Bearer ...'.")
        return self._stage.grant(token.strip())

    def _row(self, request: web.Request, room: Room) -> dict[str, object]:
        # As the one who asks reaches us, unless the configuration knows better.
        base = self._config.public_url.rstrip("/") or f"{request.scheme}://{request.host}"
        return {
            "room": room.id,
            "code": room.code,
            "scene": room.scene,
            "people": len(room.sessions),
            "seats": self._config.limits.seats,
            "link": f"{base}/?room={room.id}",
        }
