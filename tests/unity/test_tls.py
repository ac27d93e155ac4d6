"""The C# client and a server's certificate: refused in words, or trusted because it is pinned."""

import asyncio
import hashlib
import ssl

import pytest
from aiohttp import web

from tests.certificate import self_signed
from tests.unity.conftest import PROGRAMS, compile_sources

pytestmark = pytest.mark.mono


def test_a_certificate_of_ones_own_is_refused_in_words_unless_it_is_pinned(build, tmp_path) -> None:
    executable = build.folder / "Tls.exe"
    compile_sources(executable, [PROGRAMS / "Tls.cs"], build.core, target="exe")
    files = self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(files.certificate.read_text())).hexdigest()
    colons = ":".join(fingerprint[i : i + 2].upper() for i in range(0, 64, 2))
    unpinned, pinned, other = asyncio.run(
        visits(context, [str(executable)], [], [colons], [fingerprint[::-1]])
    )
    assert unpinned.startswith("the certificate of 127.0.0.1 is not trusted here: ")
    assert pinned == "open"
    assert other.startswith("the certificate of 127.0.0.1 is not the one that is pinned here: ")


async def visits(context: ssl.SSLContext, command: list[str], *arguments: list[str]) -> list[str]:
    """What the program prints at a server with this certificate, for each list of arguments."""

    async def socket(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.receive()
        await ws.send_str('{"welcome": {"session": "s", "resume": "r", "avatar": 1}}')
        async for _ in ws:
            pass
        return ws

    app = web.Application()
    app.router.add_get("/api/ws", socket)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        found: list[str] = []
        for more in arguments:
            process = await asyncio.create_subprocess_exec(
                "mono", *command, url, *more, stdout=asyncio.subprocess.PIPE
            )
            out, _ = await asyncio.wait_for(process.communicate(), 120)
            found.append(out.decode().strip())
        return found
    finally:
        await runner.cleanup()
