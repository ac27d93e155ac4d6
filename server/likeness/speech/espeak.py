"""EspeakVoice: espeak-ng in processes of its own, streaming sound and phone times."""

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError, LimitError, MachineError
from likeness.head.character import VoiceSettings
from likeness.speech import espeak_worker as wire
from likeness.speech.articulation import TimedPhone
from likeness.speech.text import clean_text, split_scripts, split_sentences
from likeness.speech.voice import VoiceChunk, VoiceError

_AHEAD: Final = 4 * wire.RATE_OUT
"""Samples that are synthesised ahead of what was asked for; the next sentence waits until less is left."""
_START_SECONDS: Final = 30.0
"""A process may take this long to start: a busy machine loads its libraries slowly."""
_FADE: Final = 96  # samples (2 ms) over which a restarted sentence fades in


class EspeakVoice:
    """espeak-ng as a `Voice`: the default, in every language it knows.

    processes: how many sentences are synthesised at once; timeout: seconds without a sign of life after
    which a process is killed; waiting: sentences that may wait for a process before LimitError. A process
    that dies is replaced, and its sentence goes on where it was cut; a sentence that keeps killing
    processes fails with VoiceError.
    """

    def __init__(self, processes: int = 2, timeout: float = 5.0, waiting: int = 64) -> None:
        if processes < 1:
            raise InputError(f"The voice needs at least one process, not {processes}.")
        self._most_waiting = waiting
        self._waiting = 0
        self._slots = [_Slot(timeout) for _ in range(processes)]
        self._idle: asyncio.Queue[_Slot] = asyncio.Queue()
        self._producers: set[asyncio.Task[None]] = set()
        self._languages: dict[str, str] = {}
        self._variants: frozenset[str] = frozenset()
        self._started = False

    async def start(self) -> None:
        """Start the processes. Raises MachineError when espeak-ng cannot be loaded."""
        if self._started:
            return
        try:
            await asyncio.gather(*(slot.start() for slot in self._slots))
        except BaseException:
            await asyncio.gather(*(slot.aclose() for slot in self._slots))
            raise
        self._languages, self._variants = self._slots[0].languages, self._slots[0].variants
        for slot in self._slots:
            self._idle.put_nowait(slot)
        self._started = True

    async def aclose(self) -> None:
        """End the processes; utterances under way end with VoiceError."""
        self._started = False
        for task in tuple(self._producers):
            task.cancel()
        await asyncio.gather(*self._producers, return_exceptions=True)
        await asyncio.gather(*(slot.aclose() for slot in self._slots))
        self._idle = asyncio.Queue()

    @property
    def languages(self) -> frozenset[str]:
        """Language codes that can be spoken, known after `start`."""
        return frozenset(self._languages)

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Ids of the processes that are alive."""
        return tuple(slot.process_id for slot in self._slots if slot.process_id)

    def check(self, settings: VoiceSettings) -> None:
        """InputError for a language or variant that espeak-ng lacks, or values out of range."""
        if not self._started:
            raise VoiceError("The voice is not running. Start it before speaking.")
        if settings.language not in self._languages:
            raise InputError(_unknown("language", settings.language, self._languages))
        variant = settings.variant.removeprefix("+")
        if variant and variant not in self._variants:
            raise InputError(_unknown("variant", variant, dict.fromkeys(self._variants, "")))
        for name, value, low, high in (
            ("pitch", settings.pitch, 0, 99),
            ("rate", settings.rate, 80, 450),
            ("range", settings.range, 0, 99),
            ("volume", settings.volume, 0, 200),
        ):
            if not low <= value <= high:
                raise InputError(f"The voice's {name} is {value}; it must be {low} to {high}.")

    def speak(self, text: str, settings: VoiceSettings) -> AsyncGenerator[VoiceChunk, None]:
        """See `Voice.speak`. Raises before the first chunk for a text or settings that cannot be spoken."""
        self.check(settings)
        plan = [
            (language, part)
            for sentence in split_sentences(clean_text(text))
            for language, part in split_scripts(sentence, settings.language)
        ]
        return self._speak(plan, settings)

    async def _speak(
        self, plan: list[tuple[str, str]], settings: VoiceSettings
    ) -> AsyncGenerator[VoiceChunk, None]:
        buffer = _Buffer()
        producer = asyncio.create_task(self._produce(plan, settings, buffer))
        self._producers.add(producer)
        producer.add_done_callback(self._producers.discard)
        try:
            while True:
                chunk = await buffer.take(producer)
                yield chunk
                if chunk.final:
                    return
        finally:
            producer.cancel()
            await asyncio.wait((producer,))
            if not producer.cancelled():
                producer.exception()  # said already, or of no interest any more

    async def _produce(self, plan: list[tuple[str, str]], settings: VoiceSettings, buffer: "_Buffer") -> None:
        base = 0
        for number, (language, part) in enumerate(plan):
            await buffer.room()
            last = number + 1 == len(plan)
            wish = {
                "text": part,
                "language": language,
                "variant": settings.variant.removeprefix("+"),
                "rate": settings.rate,
                "pitch": settings.pitch,
                "range": settings.range,
                "volume": settings.volume,
                # A pause where a sentence or clause ends, none where only the language or the length did.
                "end_pause": not last and not part.rstrip()[-1].isalnum(),
            }
            base = await self._sentence(json.dumps(wish).encode(), base, last, buffer)

    async def _sentence(self, wish: bytes, base: int, last: bool, buffer: "_Buffer") -> int:
        """Speak one sentence, on another process if one dies; returns where it ends."""
        given = 0
        phones_given = 0
        attempt = deaths = 0
        while True:
            before = given
            slot = await self._acquire()
            request = slot.request(wish)
            skip_phones = phones_given
            attempt += 1
            try:
                async for first, final, phones, pcm in request:
                    end = first + len(pcm)
                    fresh = phones[min(skip_phones, len(phones)) :]
                    skip_phones -= len(phones) - len(fresh)
                    if end > given or final or fresh:
                        sound = pcm[max(0, given - first) :]
                        if attempt > 1 and first <= given < end and given:
                            sound = _faded(sound)
                        timed = tuple(TimedPhone(ipa, base + a, base + b) for ipa, a, b in fresh)
                        buffer.put(VoiceChunk(base + given, sound, timed, final and last))
                        given += len(sound)
                        phones_given += len(fresh)
            except _Died as death:
                # All processes may have been killed at once; only a sentence that kills again is at fault.
                deaths = 1 if given > before else deaths + 1
                if deaths > len(self._slots):
                    raise VoiceError(
                        f"The voice failed {deaths} times on one sentence ({death}). "
                        "Try another sentence or language."
                    ) from None
            else:
                return base + given
            finally:
                await request.aclose()
                self._release(slot)

    async def _acquire(self) -> "_Slot":
        if self._waiting >= self._most_waiting:
            raise LimitError(
                f"The voice is busy: {self._waiting} sentences are waiting. Try again in a moment, "
                "or give the server more voice processes."
            )
        self._waiting += 1
        try:
            slot = await self._idle.get()
        finally:
            self._waiting -= 1
        try:
            await slot.ready()
        except BaseException:
            self._release(slot)
            raise
        return slot

    def _release(self, slot: "_Slot") -> None:
        self._idle.put_nowait(slot)


class _Buffer:
    """Chunks between the synthesis and its reader."""

    def __init__(self) -> None:
        self._chunks: deque[VoiceChunk] = deque()
        self._changed = asyncio.Event()
        self._space = asyncio.Event()
        self._held = 0
        self._space.set()

    def put(self, chunk: VoiceChunk) -> None:
        self._chunks.append(chunk)
        self._held += len(chunk.pcm)
        if self._held > _AHEAD:
            self._space.clear()
        self._changed.set()

    async def room(self) -> None:
        await self._space.wait()

    async def take(self, producer: "asyncio.Task[None]") -> VoiceChunk:
        """The next chunk; raises what the producer raised once its chunks are used up."""
        while not self._chunks:
            if producer.done():
                if producer.cancelled():
                    raise VoiceError("The voice was closed while it was speaking.")
                producer.result()
                raise VoiceError("The voice ended without finishing the text.")
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            try:
                await asyncio.wait((changed, producer), return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
        chunk = self._chunks.popleft()
        self._held -= len(chunk.pcm)
        if self._held <= _AHEAD:
            self._space.set()
        return chunk


_Block = tuple[int, bool, list[tuple[str, int, int]], NDArray[np.int16]]


class _Died(Exception):
    """The process ended, hung or talked nonsense."""


def _decoded(payload: bytes) -> _Block:
    try:
        return wire.decode_block(payload)
    except ValueError as problem:
        raise _Died(str(problem)) from None


class _Slot:
    """One place for a process; replaces it when it dies."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._process: _Process | None = None
        self._ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._requests = itertools.count(1)
        self._problem = ""
        self.languages: dict[str, str] = {}
        self.variants: frozenset[str] = frozenset()

    @property
    def process_id(self) -> int | None:
        return self._process.id if self._process else None

    async def start(self) -> None:
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep())

    async def aclose(self) -> None:
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        await self._end()

    async def ready(self) -> None:
        """Wait until the process can speak."""
        try:
            # Not wait_for, which can swallow a cancellation (Python 3.11).
            async with asyncio.timeout(_START_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise VoiceError(
                f"The voice process does not come back ({self._problem or 'it does not answer'}). "
                "Look at the server's log; restart the server if it stays so."
            ) from None

    async def request(self, wish: bytes) -> AsyncGenerator[_Block, None]:
        """Blocks of one SPEAK. Closing early cancels it and waits until the process is free again."""
        process = self._process
        if process is None:
            raise _Died("it is not running")
        number = next(self._requests) & 0xFFFFFFFF
        finished = False
        try:
            await process.send(wire.SPEAK, number, wish)
            while not finished:
                kind, payload = await self._answer(process, number)
                finished = kind != wire.BLOCK
                if kind == wire.BLOCK:
                    block = _decoded(payload)
                    finished = block[1]
                    yield block
                elif kind == wire.FAILED:
                    raise VoiceError(f"The voice could not say this: {payload.decode(errors='replace')}.")
                else:
                    raise _Died("it gave up")
        except _Died:
            finished = True
            self._kill(process)
            raise
        finally:
            if not finished:
                await self._cancel(process, number)

    async def _cancel(self, process: "_Process", number: int) -> None:
        """Stop a request and read until the process says so; a process that does not is killed."""
        try:
            await process.send(wire.CANCEL, number)
            while True:
                kind, payload = await self._answer(process, number)
                if kind != wire.BLOCK or _decoded(payload)[1]:
                    return
        except _Died:
            self._kill(process)
        except asyncio.CancelledError:
            self._kill(process)
            raise

    async def _answer(self, process: "_Process", number: int) -> tuple[int, bytes]:
        """The next frame that belongs to a request."""
        while True:
            kind, request, payload = await process.frame(self._timeout)
            if request == number:
                return kind, payload

    async def _spawn(self) -> None:
        package = Path(wire.__file__).resolve().parent
        threads = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
        try:
            started = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-c",
                _LAUNCH,
                str(package.parent),
                str(package),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, **threads},
            )
        except OSError as problem:
            raise MachineError(f"The voice process could not be started: {problem}.") from None
        self._process = _Process(started)
        try:
            kind, _, payload = await self._process.frame(_START_SECONDS)
        except _Died as death:
            self._kill(self._process)
            raise MachineError(
                f"The voice process did not start: {death}. "
                f"Check that `{Path(sys.executable).name} -c 'import espeakng_loader, numpy'` works."
            ) from None
        if kind != wire.READY:
            raise MachineError(
                f"espeak-ng could not be loaded: {payload.decode(errors='replace')}. "
                "Reinstall the package espeakng-loader."
            )
        about = json.loads(payload)
        self.languages, self.variants = about["languages"], frozenset(about["variants"])
        self._ready.set()

    async def _keep(self) -> None:
        """Replace the process whenever it ends, waiting longer each time it fails at once."""
        pause = 0.0
        while True:
            if self._process is not None:
                await self._process.wait()
            self._ready.clear()
            await asyncio.sleep(pause)
            try:
                await self._spawn()
                pause = 0.0
            except MachineError as problem:
                self._problem = str(problem)
                pause = min(5.0, 2 * pause + 0.1)

    def _kill(self, process: "_Process") -> None:
        if process is self._process:
            self._ready.clear()
        process.kill()

    async def _end(self) -> None:
        process, self._process = self._process, None
        self._ready.clear()
        if process is not None:
            await process.end()


class _Process:
    """One process and the frames that come from it. Reading is a task of its own, so that a reader that is
    cancelled never leaves half a frame behind."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._frames: asyncio.Queue[tuple[int, int, bytes] | None] = asyncio.Queue()
        self._pump = asyncio.create_task(self._read())

    @property
    def id(self) -> int | None:
        return self._process.pid if self._process.returncode is None else None

    async def send(self, kind: int, number: int, payload: bytes = b"") -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(wire.HEADER.pack(len(payload), kind, number) + payload)
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError) as problem:
            raise _Died(f"it ended: {problem}") from None

    async def frame(self, timeout: float) -> tuple[int, int, bytes]:
        """The next frame: kind, request, payload."""
        try:
            async with asyncio.timeout(timeout):
                frame = await self._frames.get()
        except TimeoutError:
            raise _Died(f"it was silent for {timeout:g} s") from None
        if frame is None:
            self._frames.put_nowait(None)
            raise _Died("its process ended")
        return frame

    async def wait(self) -> None:
        await self._process.wait()

    def kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(1.0):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        await self._pump

    async def _read(self) -> None:
        reader = self._process.stdout
        assert reader is not None
        try:
            while True:
                length, kind, request = wire.HEADER.unpack(await reader.readexactly(wire.HEADER.size))
                if length > wire.LONGEST:
                    break
                self._frames.put_nowait((kind, request, await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        self._frames.put_nowait(None)


# Stands in for the packages' __init__ modules, which import far more than the process needs.
_LAUNCH: Final = """
import sys, types
for name, path in (("likeness", sys.argv[1]), ("likeness.speech", sys.argv[2])):
    package = types.ModuleType(name)
    package.__path__ = [path]
    sys.modules[name] = package
from likeness.speech.espeak_worker import main
main()
"""


def _faded(sound: NDArray[np.int16]) -> NDArray[np.int16]:
    count = min(_FADE, len(sound))
    out = sound.copy()
    out[:count] = (out[:count] * (np.arange(count) / _FADE)).astype(np.int16)
    return out


def _unknown(what: str, wanted: str, known: dict[str, str]) -> str:
    base = wanted.lower().replace("_", "-")
    near = [k for k, title in known.items() if len(base) > 2 and title.lower().startswith(base)]
    near += [k for k in known if base and k.partition("-")[0] == base.partition("-")[0]]
    near += get_close_matches(base, known, 4, 0.5)
    if near:
        return f'espeak-ng has no {what} "{wanted}". Near: {", ".join(list(dict.fromkeys(near))[:6])}.'
    return f'espeak-ng has no {what} "{wanted}". Known: {", ".join(sorted(known))}.'
