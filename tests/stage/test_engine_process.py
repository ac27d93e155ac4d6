"""The engine's process: what is asked of it in which order."""

import asyncio

import pytest

from likeness.head import load_character
from likeness.head.frame import SAMPLES_PER_FRAME
from likeness.stage.engine import Batch
from likeness.stage.engine_process import EngineProcess


def _one(row: int) -> Batch:
    return Batch([row], [1], [SAMPLES_PER_FRAME], [0], [], [], None, [], None)


async def test_who_leaves_while_a_request_waits_is_still_in_that_request() -> None:
    engine = EngineProcess(1)
    await engine.start()
    try:
        row, _, _ = await engine.ask("add", load_character("plain"), 1)
        first = asyncio.ensure_future(engine.run((), ()))
        second = asyncio.ensure_future(engine.run([_one(row)], ()))
        await asyncio.sleep(0)
        engine.remove(row)
        await first
        ((packets, _),) = (await second).frames
        assert len(packets) == 1
        assert engine.pending
        await engine.run((), ())
        assert not engine.pending
        with pytest.raises(RuntimeError, match="a pass failed"):
            await engine.run([_one(row)], ())
    finally:
        await engine.stop()
