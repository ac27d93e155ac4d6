"""With a certificate in [tls] the page, the WebSocket and gRPC are encrypted, and nothing else is served."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import grpc.aio
import pytest
import pytest_asyncio

from likeness.errors import InputError
from likeness.stage.config import ServerConfig, TlsConfig, load_config
from likeness.transport.server import Server
from likeness.v1 import likeness_pb2, likeness_pb2_grpc
from likeness.v1.room_pb2 import ClientMessage, Hello
from tests.certificate import self_signed
from tests.transport.clients import SocketClient, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def safe(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    files = self_signed(folder)
    written = folder / "likeness.toml"
    written.write_text(
        f'[server]\nport = 0\ngrpc_port = 0\ndata = "{(folder / "data").as_posix()}"\n'
        f'[tls]\ncertificate = "{files.certificate.as_posix()}"\nkey = "{files.key.as_posix()}"\n'
    )
    server = Server(load_config(written))
    await server.start()
    yield server
    await server.stop()


def trusting(server: Server) -> ssl.SSLContext:
    assert server.config.tls is not None
    return ssl.create_default_context(cafile=str(server.config.tls.certificate))


async def test_the_page_and_the_socket_are_encrypted(safe: Server) -> None:
    assert safe.url.startswith("https://")
    client = SocketClient(f"https://127.0.0.1:{safe.http_port}", trusting(safe))
    await client.connect(character="einstein")
    await until(lambda: len(client.heads) > 5)
    await client.close()
    connector = aiohttp.TCPConnector(ssl=trusting(safe))
    async with aiohttp.ClientSession(connector=connector) as http, http.get(f"{safe.url}/healthz") as page:
        assert page.status == 200


async def test_whoever_does_not_know_the_certificate_or_speaks_plainly_gets_nothing(safe: Server) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(f"{safe.url}/healthz")
        with pytest.raises(aiohttp.ClientError):
            await http.get(f"http://127.0.0.1:{safe.http_port}/healthz")


async def test_grpc_is_encrypted_with_the_same_certificate(safe: Server) -> None:
    assert safe.config.tls is not None
    credentials = grpc.ssl_channel_credentials(safe.config.tls.certificate.read_bytes())
    async with grpc.aio.secure_channel(f"localhost:{safe.grpc_port}", credentials) as channel:
        stub: Any = likeness_pb2_grpc.LikenessStub(channel)
        cast = await stub.ListCharacters(likeness_pb2.ListCharactersRequest())
        assert "einstein" in {c.id for c in cast.characters}
        call = stub.Join()
        await call.write(ClientMessage(hello=Hello(character="plain")))
        assert (await call.read()).HasField("welcome")
        call.cancel()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{safe.grpc_port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await likeness_pb2_grpc.LikenessStub(channel).ListCharacters(
                likeness_pb2.ListCharactersRequest(), timeout=20
            )
        assert refused.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_files_that_do_not_belong_together_are_one_sentence(tmp_path: Path) -> None:
    one, other = self_signed(tmp_path / "one"), self_signed(tmp_path / "other")
    (tmp_path / "nonsense.pem").write_text("no certificate")
    for tls in (
        TlsConfig(one.certificate, other.key),
        TlsConfig(tmp_path / "nonsense.pem", one.key),
    ):
        server = Server(ServerConfig(port=0, grpc_port=0, data=tmp_path / "data", tls=tls))
        try:
            with pytest.raises(InputError, match=r"\[tls\]"):
                await asyncio.wait_for(server.start(), 120)
        finally:
            await server.stop()
