"""The C# client and a server's certificate: refused in words, or trusted because it is pinned."""

import asyncio
import datetime
import hashlib
import ipaddress
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unity.conftest import PROGRAMS, compile_sources

pytestmark = pytest.mark.mono


def test_a_certificate_of_ones_own_is_refused_in_words_unless_it_is_pinned(build, tmp_path) -> None:
    executable = build.folder / "Tls.exe"
    compile_sources(executable, [PROGRAMS / "Tls.cs"], build.core, target="exe")
    context, fingerprint = self_signed(tmp_path)
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


def self_signed(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A certificate that nobody else signed, and its SHA-256 in hex."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    der = certificate.public_bytes(serialization.Encoding.DER)
    return context, hashlib.sha256(der).hexdigest()
