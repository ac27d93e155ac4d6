"""Page: the built web client and the avatars, as files with the right headers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

import likeness
from likeness.errors import NotFoundError
from likeness.head import Character

POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "connect-src 'self' blob: data: {sockets}",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "font-src 'self'",
        "frame-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
TRACKER: Final = "/face-tracker.html"
"""The frame that runs MediaPipe, whose glue code is made by eval. It sees pictures and answers landmarks;
it may load our own files and nothing else, so that the page around it needs no eval."""
TRACKER_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval'",
        "connect-src 'self' blob: data:",
        "img-src 'self' blob: data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    ]
)
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(self), xr-spatial-tracking=(self), geolocation=()",
}
FOREVER: Final = "public, max-age=31536000, immutable"
FRESH: Final = "no-cache"
ETAG: Final = "likeness.etag"
"""Key of a request: the ETag that its answer carries, instead of one made of the file's time and size."""
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".glb": "model/gltf-binary",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_MISSING: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Likeness</title>
<style>body{font:18px/1.6 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em;color:#222}
code{background:#eee;padding:.1em .4em;border-radius:4px}</style>
<h1>The page is not built yet</h1>
<p>The server runs, but its web client was not built. In the project's folder run</p>
<p><code>make web</code></p>
<p>and load this page again. The API under <code>/api</code> works already.</p></html>
"""


def web_root() -> Path:
    """Where the built web client lies in the package."""
    return Path(likeness.__file__).resolve().parent / "web"


def security_headers(host: str, secure: bool, path: str = "/") -> dict[str, str]:
    """Headers of every answer; `host` as in the request, so that older browsers may open our WebSocket."""
    # 'self' covers wss:// only in newer browsers; the host is checked before it gets here.
    if path == TRACKER:
        return {**HEADERS, "Content-Security-Policy": TRACKER_POLICY}
    sockets = f"{'wss' if secure else 'ws'}://{host}" if host else ""
    return {**HEADERS, "Content-Security-Policy": POLICY.format(sockets=sockets).strip()}


class Page:
    """Serves files of the built client under `root`, and each character's avatar and portrait."""

    def __init__(self, root: Path, characters: Callable[[], Mapping[str, Character]]) -> None:
        self._root = root.resolve()
        self._characters = characters

    async def index(self, _: web.Request) -> web.StreamResponse:
        """The page; always asked for anew, because it names the hashed files of one build."""
        index = self._root / "index.html"
        if not index.is_file():
            return web.Response(text=_MISSING, content_type="text/html", status=503, headers=_cached(FRESH))
        return _file(index, FRESH)

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """A file of the build. Those in assets/ carry a hash in their name and never change."""
        path = (self._root / request.match_info["path"]).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            raise NotFoundError(f"There is no {request.path[:200]} here. The page is at /.")
        within = path.relative_to(self._root)
        return _file(path, FOREVER if within.parts[0] == "assets" else FRESH)

    async def avatar(self, request: web.Request) -> web.StreamResponse:
        """A character's 3D asset."""
        character = self._character(request)
        return self._versioned(request, character.avatar, character.avatar_sha256)

    async def far_avatar(self, request: web.Request) -> web.StreamResponse:
        """A character's lighter 3D asset."""
        character = self._character(request)
        return self._versioned(request, character.far_avatar, character.sha256(character.far_avatar))

    async def portrait(self, request: web.Request) -> web.StreamResponse:
        """A character's picture."""
        return _file(self._character(request).portrait, FRESH)

    def _character(self, request: web.Request) -> Character:
        known = self._characters()
        character = known.get(request.match_info["character"])
        if character is None:
            names = ", ".join(sorted(known))
            raise NotFoundError(f"There is no character of that name; there are: {names}.")
        return character

    def _versioned(self, request: web.Request, path: Path, sha256: str) -> web.StreamResponse:
        version = request.query.get("v", "")
        caching = FOREVER if len(version) >= 8 and sha256.startswith(version) else FRESH
        request[ETAG] = tag = f'"{sha256}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=_cached(caching))
        return _file(path, caching)


def _file(path: Path, caching: str) -> web.StreamResponse:
    if not path.is_file():
        raise NotFoundError(f"The file {path.name} is missing. Run: likeness doctor")
    return web.FileResponse(path, headers={**_cached(caching), "Content-Type": _type(path)})


def _type(path: Path) -> str:
    return _TYPES.get(path.suffix.lower(), "application/octet-stream")


def _cached(how: str) -> dict[str, str]:
    return {"Cache-Control": how}
