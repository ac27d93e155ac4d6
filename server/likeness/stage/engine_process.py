"""EngineProcess: an Engine in a process of its own: no pass holds up the rooms, nor do they hold up a pass.

Requests and answers are pickles over a socket pair that nobody else can reach. Requests are worked off in
their order, and the next one may wait over there while the answer to the last one is being sent to everybody.
Commands that nobody waits for ride along with the next request.
"""

import asyncio
import contextlib
import gc
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from likeness.errors import MachineError
from likeness.head.frame import Float32
from likeness.stage.engine import Batch, Block, Engine

READY_SECONDS: Final = 180.0
"""Loading the models takes about two seconds; a starved machine gets more time."""
BUFFER: Final = 4 << 20
_LENGTH: Final = struct.Struct("<Q")
_LAUNCH: Final = f"import sys; from {__name__} import main; main(*map(int, sys.argv[1:]))"

Command = tuple[str, tuple[Any, ...]]


class EngineDied(MachineError):
    """The engine's process ended; start another and add everybody again."""

    code = "engine"


class EngineProcess:
    """The near side.

    Args:
        capacity: live voices at once. nice: how much to step back behind other processes.
    """

    def __init__(self, capacity: int, nice: int = 0) -> None:
        self._capacity = capacity
        self._nice = nice
        self._process: subprocess.Popen[bytes] | None = None
        self._link: _Link | None = None
        self._commands: list[tuple[Command, asyncio.Future[Any] | None]] = []
        self.look_ahead = 0
        """Samples that a live voice's lips need beyond a frame; known after `start`."""

    @property
    def pending(self) -> bool:
        """Commands wait for the next request."""
        return bool(self._commands)

    @property
    def alive(self) -> bool:
        """The process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int | None:
        """The process, for tests and diagnosis."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process and wait until its models are loaded. Raises MachineError."""
        near, far = socket.socketpair()
        for end in (near, far):
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        near.setblocking(False)
        threads = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCH, str(far.fileno()), str(self._capacity), str(self._nice)],
                pass_fds=(far.fileno(),),
                env={**os.environ, **threads},
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:
            near.close()
            raise MachineError(f"the engine's process could not be started: {error}.") from None
        finally:
            far.close()
        link = self._link = _Link()
        loaded = asyncio.get_running_loop().create_future()
        link.expect(partial(_settle, loaded))
        await asyncio.get_running_loop().create_connection(lambda: link, sock=near)
        try:
            self.look_ahead = await asyncio.wait_for(loaded, READY_SECONDS)
        except TimeoutError:
            await self.stop()
            raise MachineError(f"the engine did not load its models within {READY_SECONDS:g} s.") from None

    async def stop(self) -> None:
        """End the process."""
        link, self._link = self._link, None
        if link is not None:
            link.close()  # the far side reads its end and leaves
        for _, future in self._commands:
            if future is not None and not future.done():
                future.set_exception(EngineDied("the engine has stopped."))
        self._commands.clear()
        process, self._process = self._process, None
        if process is not None:
            try:
                await asyncio.to_thread(process.wait, 2.0)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)

    def post(self, name: str, *args: Any) -> None:
        """Call a method of the engine with the next request; what it raises is logged over there."""
        self._commands.append(((name, args), None))

    def call(self, name: str, *args: Any) -> "asyncio.Future[Any]":
        """Call a method of the engine with the next request; the future holds what it returned or raised."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._commands.append(((name, args), future))
        return future

    def request(self, batches: Sequence[Batch], blocks: Sequence[Block]) -> "asyncio.Future[Answer]":
        """Ask for what was posted, then frames and Opus packets. It is on its way when this returns.

        The future holds EngineDied when there is no engine any more, RuntimeError when the pass failed.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        commands, self._commands = self._commands, []
        wishes = [(command, future is not None) for command, future in commands]
        waiting = [future for _, future in commands if future is not None]

        def take(reply: Any, died: EngineDied | None) -> None:
            if died is not None:
                for future in (answer, *waiting):
                    _settle(future, None, died)
                return
            results, frames, packets, problem = reply
            for future, (value, error) in zip(waiting, results, strict=True):
                _settle(future, value, error)
            _settle(answer, Answer(frames, packets), problem)

        if self._link is None:
            take(None, EngineDied("the engine is not running."))
        else:
            self._link.expect(take)
            self._link.send((wishes, batches, blocks))
        return answer

    async def ask(self, name: str, *args: Any) -> Any:
        """Call a method of the engine now."""
        future = self.call(name, *args)
        await self.request((), ())
        return await future


def _settle(future: "asyncio.Future[Any]", value: object, error: Exception | None) -> None:
    if future.done():
        return  # whoever waited has gone
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
        future.exception()  # perhaps nobody waits any more: no word about that


class _Link(asyncio.Protocol):
    """Whole pickles over the near end; each that comes answers the oldest question."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._questions: deque[Callable[[Any, EngineDied | None], None]] = deque()
        self._data = bytearray()
        self._dead: EngineDied | None = None

    def expect(self, take: "Callable[[Any, EngineDied | None], None]") -> None:
        """The next answer is for `take`; so is the end of the engine."""
        if self._dead is None:
            self._questions.append(take)
        else:
            take(None, self._dead)

    def send(self, message: object) -> None:
        """Send a message, now."""
        if self._transport is not None:
            data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
            self._transport.write(_LENGTH.pack(len(data)))
            self._transport.write(data)

    def close(self) -> None:
        """Hang up."""
        self._end(EngineDied("the engine has stopped."))
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(BUFFER)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while len(self._data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data)
            end = _LENGTH.size + length
            if len(self._data) < end:
                return
            message = pickle.loads(memoryview(self._data)[_LENGTH.size : end])
            del self._data[:end]
            self._questions.popleft()(message, None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end(EngineDied("the engine's process ended; see the log."))

    def _end(self, why: EngineDied) -> None:
        self._dead = self._dead or why
        questions, self._questions = self._questions, deque()
        for take in questions:
            take(None, self._dead)


class Answer:
    """What one request brought: encoded frames and their controls by batch, and Opus packets."""

    def __init__(self, frames: list[tuple[list[bytes], Float32]], packets: list[bytes]) -> None:
        self.frames = frames
        self.packets = packets


def main(descriptor: int, capacity: int, nice: int) -> None:
    """The far side: answer until the near side is gone, which is no error however early it comes."""
    with contextlib.suppress(ConnectionError):
        _answer(descriptor, capacity, nice)


def _answer(descriptor: int, capacity: int, nice: int) -> None:
    import logging

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the near side decides
    os.nice(nice)
    log = logging.getLogger(__name__)
    connection = socket.socket(fileno=descriptor)
    engine = Engine(capacity)
    engine.rehearse()
    # What lives now lives long: collections during a pass need not look at it again.
    gc.collect()
    gc.freeze()
    _write(connection, engine.look_ahead)
    while True:
        message = _read(connection)
        if message is None:
            return
        wishes, batches, blocks = message
        results: list[tuple[Any, Exception | None]] = []
        for (name, args), awaited in wishes:
            try:
                outcome: tuple[Any, Exception | None] = getattr(engine, name)(*args), None
            except Exception as error:
                outcome = None, error
                if not awaited:
                    log.exception("%s failed", name)
            if awaited:
                results.append(outcome)
        frames: list[tuple[list[bytes], Float32]] = []
        packets: list[bytes] = []
        problem: Exception | None = None
        try:
            frames = [engine.frames(batch) for batch in batches]
            packets = engine.opus(blocks)
        except Exception as error:
            log.exception("a pass failed")
            problem = RuntimeError(f"a pass failed: {error}")
        _write(connection, (results, frames, packets, problem))


def _write(connection: socket.socket, message: object) -> None:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    connection.sendall(_LENGTH.pack(len(data)) + data)


def _read(connection: socket.socket) -> Any:
    head = _take(connection, _LENGTH.size)
    data = None if head is None else _take(connection, _LENGTH.unpack(head)[0])
    return None if data is None else pickle.loads(data)


def _take(connection: socket.socket, size: int) -> bytes | None:
    data, got = bytearray(size), 0
    while got < size:
        try:
            count = connection.recv_into(memoryview(data)[got:])
        except ConnectionError:
            return None
        if count == 0:
            return None
        got += count
    return bytes(data)
