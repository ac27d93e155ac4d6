"""One real server, in this process, for all tests of a file."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from likeness.stage.config import LimitConfig, ServerConfig, StageConfig
from likeness.transport.server import Server


@contextlib.asynccontextmanager
async def serving(data: Path, stage: StageConfig, limits: LimitConfig) -> AsyncIterator[Server]:
    """A server on a free port, without gRPC."""
    running = Server(ServerConfig(port=0, grpc_port=-1, data=data, stage=stage, limits=limits))
    await running.start()
    with contextlib.suppress(GeneratorExit):
        yield running
    await running.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server which soon calls a reader slow, and with no limit of rate to hide behind."""
    stage = StageConfig(slow_seconds=4.0, resume_seconds=8.0)
    limits = LimitConfig(hellos_per_second=1000, messages_per_second=1e6)
    async with serving(tmp_path_factory.mktemp("data"), stage, limits) as running:
        yield running


@pytest.fixture
def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.http_port}"
