"""EngineProcess: an Engine in a process of its own: no pass holds up the rooms, nor do they hold up a pass.

Requests and answers are pickles over a socket pair that nobody else can reach. One request is under way at
a time; commands that nobody waits for ride along with the next one.
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
from collections.abc import Sequence
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
        self._socket: socket.socket | None = None
        self._lock = asyncio.Lock()
        self._commands: list[tuple[Command, asyncio.Future[Any] | None]] = []
        self._requests = 0
        self._removals: list[tuple[int, int]] = []
        """Rows to be removed, each with the number of the first request that cannot mention it any more."""
        self.look_ahead = 0
        """Samples that a live voice's lips need beyond a frame; known after `start`."""

    @property
    def pending(self) -> bool:
        """Commands wait for the next request."""
        return bool(self._commands or self._removals)

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
        self._socket = near
        try:
            self.look_ahead = await asyncio.wait_for(self._receive(), READY_SECONDS)
        except TimeoutError:
            await self.stop()
            raise MachineError(f"the engine did not load its models within {READY_SECONDS:g} s.") from None

    async def stop(self) -> None:
        """End the process."""
        if self._socket is not None:
            self._socket.close()  # the far side reads its end and leaves
            self._socket = None
        for _, future in self._commands:
            if future is not None and not future.done():
                future.set_exception(EngineDied("the engine has stopped."))
        self._commands.clear()
        self._removals.clear()
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

    def remove(self, row: int) -> None:
        """Forget a performer once no request that may still mention it is waiting for its turn."""
        self._removals.append((self._requests, row))

    def call(self, name: str, *args: Any) -> "asyncio.Future[Any]":
        """Call a method of the engine with the next request; the future holds what it returned or raised."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._commands.append(((name, args), future))
        return future

    async def run(self, batches: Sequence[Batch], blocks: Sequence[Block]) -> "Answer":
        """Do what was posted, then make frames and Opus packets. Raises EngineDied.

        A cancelled caller does not break off the request: the next one would read its answer.
        """
        task = asyncio.create_task(self._request(self._requests, batches, blocks))
        self._requests += 1
        task.add_done_callback(_retrieve)
        return await asyncio.shield(task)

    async def _request(self, number: int, batches: Sequence[Batch], blocks: Sequence[Block]) -> "Answer":
        async with self._lock:
            for first, row in self._removals:
                if first <= number:
                    self.post("remove", row)
            self._removals = [(first, row) for first, row in self._removals if first > number]
            commands, self._commands = self._commands, []
            wishes = [(command, future is not None) for command, future in commands]
            try:
                await self._send((wishes, batches, blocks))
                results, frames, packets, problem = await self._receive()
            except BaseException:
                for _, future in commands:
                    if future is not None and not future.done():
                        future.set_exception(EngineDied("the engine ended."))
                raise
        waiting = (future for _, future in commands if future is not None)
        for future, (value, error) in zip(waiting, results, strict=True):
            if not future.done():
                if error is None:
                    future.set_result(value)
                else:
                    future.set_exception(error)
        if problem is not None:
            raise problem
        return Answer(frames, packets)

    async def ask(self, name: str, *args: Any) -> Any:
        """Call a method of the engine now."""
        future = self.call(name, *args)
        await self.run((), ())
        return await future

    async def _send(self, message: object) -> None:
        if self._socket is None:
            raise EngineDied("the engine is not running.")
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, _LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise EngineDied(f"the engine ended: {error}.") from None

    async def _receive(self) -> Any:
        (length,) = _LENGTH.unpack(await self._exactly(_LENGTH.size))
        return pickle.loads(await self._exactly(length))

    async def _exactly(self, size: int) -> bytearray:
        if self._socket is None:
            raise EngineDied("the engine is not running.")
        loop, data = asyncio.get_running_loop(), bytearray(size)
        view, got = memoryview(data), 0
        while got < size:
            try:
                count = await loop.sock_recv_into(self._socket, view[got:])
            except OSError as error:
                raise EngineDied(f"the engine ended: {error}.") from None
            if count == 0:
                raise EngineDied("the engine's process ended; see the log.")
            got += count
        return data


def _retrieve(task: "asyncio.Task[Answer]") -> None:
    if not task.cancelled():
        task.exception()  # whoever waited has it


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
