"""The engine's process: what is asked of it in which order."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from likeness.head import load_character
from likeness.head.frame import SAMPLES_PER_FRAME
from likeness.stage.engine import Batch
from likeness.stage.engine_process import Answer, EngineDied, EngineProcess


def _one(row: int) -> Batch:
    return Batch([row], [1], [SAMPLES_PER_FRAME], [0], [], [], None, [], None)


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[EngineProcess]:
    running = EngineProcess(1)
    await running.start()
    yield running
    await running.stop()


async def test_who_leaves_while_a_request_waits_is_still_in_that_request(engine: EngineProcess) -> None:
    row, _, _ = await engine.ask("add", load_character("plain"), 1)
    first = engine.request((), ())
    second = engine.request([_one(row)], ())
    engine.post("remove", row)
    await first
    ((packets, _),) = (await second).frames
    assert len(packets) == 1
    assert engine.pending
    await engine.request((), ())
    assert not engine.pending
    with pytest.raises(RuntimeError, match="a pass failed"):
        await engine.request([_one(row)], ())


async def test_a_caller_who_gives_up_leaves_the_answers_of_others_alone(engine: EngineProcess) -> None:
    row, _, _ = await engine.ask("add", load_character("plain"), 1)
    first, second = engine.request([_one(row)], ()), engine.request((), ())
    first.cancel()
    assert (await second).frames == []


async def test_an_engine_that_ends_fails_every_request_under_way_and_all_later_ones(
    engine: EngineProcess,
) -> None:
    called = engine.call("listen", 7)
    asked = [engine.request((), ()) for _ in range(3)]
    assert engine.process_id is not None
    os.kill(engine.process_id, signal.SIGKILL)
    outcomes = await asyncio.gather(called, *asked, return_exceptions=True)
    assert isinstance(outcomes[0], EngineDied | KeyError)
    assert all(isinstance(outcome, EngineDied | Answer) for outcome in outcomes[1:])
    while engine.alive:
        await asyncio.sleep(0.01)
    with pytest.raises(EngineDied):
        await engine.request((), ())
