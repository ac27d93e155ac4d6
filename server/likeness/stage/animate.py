"""Animate: a text or a stream of audio drives one character, beside the rooms and as fast as it comes."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError, LikenessError, LimitError
from likeness.head import Character
from likeness.head.frame import SAMPLE_RATE, SAMPLES_PER_FRAME
from likeness.speech import Resampler, is_usual_rate
from likeness.stage.engine_process import Answer, EngineProcess
from likeness.stage.gather import batch
from likeness.stage.grant import Action
from likeness.stage.performer import FrameJob, Performer
from likeness.stage.record import Record
from likeness.stage.stage import Stage, host_of, stream_header
from likeness.v1 import likeness_pb2, stream_pb2
from likeness.v1.likeness_pb2 import AnimateResponse, AnimateStart

Int16 = NDArray[np.int16]

AVATAR: Final = 1
GROUP: Final = 6
"""Frames in one Packets message at most: 100 ms."""
REACH: Final = int(0.2 * SAMPLE_RATE)
"""Phones this far ahead bend the mouth: a frame waits until they are known."""
CLOSING: Final = int(0.25 * SAMPLE_RATE)
"""Frames go on after the voice until the mouth has come to rest."""
REQUEST_SECONDS: Final = 30.0
"""Audio that pauses for longer ends the call."""
LONGEST_PIECE: Final = 1 << 20


class Animator:
    """Runs Animate calls on an engine of their own, which `start` starts; the rooms do not wait for them."""

    def __init__(self, stage: Stage, engine: EngineProcess) -> None:
        self.engine = engine
        self._stage = stage
        self._running = 0
        self._starting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the engine in the background: it is not needed to be ready for people."""
        self._starting = asyncio.create_task(self.engine.start(), name="engine of Animate")

    async def stop(self) -> None:
        """Stop the engine; calls under way end with an error."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self.engine.stop()

    async def ready(self) -> None:
        """Wait for the engine; another one is started if it died. Raises MachineError."""
        if self._starting is None or (self._starting.done() and not self.engine.alive):
            await self.engine.stop()
            self.start()
        assert self._starting is not None
        await asyncio.shield(self._starting)

    async def animate(
        self, requests: AsyncIterator[likeness_pb2.AnimateRequest], peer: str
    ) -> AsyncGenerator[AnimateResponse, None]:
        """Header first, then packets (before the voice they belong to), seals, and the end.

        Raises:
            InputError: the first request is no start, or what follows is no audio. LimitError: too many
            calls or too much of something. DeniedError, NotFoundError: as Stage.hello. SealError: the
            call could not be sealed or logged; nothing unsealed was sent.
        """
        limit = self._stage.config.limits.animations
        if self._running >= limit:
            raise LimitError(f"{limit} Animate calls are under way already; try again in a moment.")
        self._running += 1
        self._stage.metrics.animations.set(self._running)
        try:
            start = await _start(requests)
            async with aclosing(self._session(start, requests, peer)) as responses:
                async for response in responses:
                    yield response
        finally:
            self._running -= 1
            self._stage.metrics.animations.set(self._running)

    async def _session(
        self,
        start: AnimateStart,
        requests: AsyncIterator[likeness_pb2.AnimateRequest],
        peer: str,
    ) -> AsyncGenerator[AnimateResponse, None]:
        stage = self._stage
        grant = stage.grant(start.token)
        grant.require(Action.ANIMATE)
        character = await stage.cast(start.character or "plain")
        driver = stream_pb2.DRIVER_TEXT if start.text else stream_pb2.DRIVER_RECORDING
        record = await stage.archive.open(
            character=character,
            driver=driver,
            room="",
            scene="animate",
            role=grant.role,
            peer=host_of(peer),
        )
        record.seal_for(AVATAR)
        performer: Performer | None = None
        samples = frames = 0
        reason = "cancelled"
        try:
            await self.ready()
            performer = await self._perform(character, driver)
            header = stream_header(performer)
            header.avatar, header.session, header.self = AVATAR, record.session, True
            header.tag.CopyFrom(record.tag(driver))
            header.certificate.CopyFrom(record.certificate)
            yield AnimateResponse(header=header)
            call = _Call(self, stage, performer, record, start)
            async with aclosing(call.text() if start.text else call.audio(requests)) as responses:
                async for response in responses:
                    yield response
            samples, frames, reason = call.samples, call.frames, "finished"
        except LikenessError as error:
            reason = f"failed: {error.code}"
            raise
        finally:
            if performer is not None:
                self.engine.post("remove", performer.row)
            await record.close(reason)
        yield AnimateResponse(
            end=likeness_pb2.AnimateEnd(samples=samples, frames=frames, session=record.session)
        )

    async def _perform(self, character: Character, driver: "stream_pb2.Driver") -> Performer:
        row, components, scales = await self.engine.ask("add", character, secrets.randbits(32))
        self.engine.post("set_driver", row, driver)
        if driver == stream_pb2.DRIVER_RECORDING:
            self.engine.post("listen", row)
        performer = Performer(AVATAR, character, row, components, scales, 0, 0)
        performer.driver = driver
        return performer


class _Call:
    """One performance: sound comes in, frames go out as soon as all they depend on is known."""

    def __init__(
        self, animator: Animator, stage: Stage, performer: Performer, record: Record, start: AnimateStart
    ) -> None:
        self.samples = 0
        """Length of the voice so far."""
        self.frames = 0
        self._stage = stage
        self._performer = performer
        self._record = record
        self._start = start
        self._began = stage.now()
        self._engine = animator.engine
        self._ahead = animator.engine.look_ahead
        self._warm = False
        self._live = performer.driver == stream_pb2.DRIVER_RECORDING

    async def text(self) -> AsyncGenerator[AnimateResponse, None]:
        """A synthetic voice says the text."""
        performer, text = self._performer, self._start.text
        said: dict[str, object] = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "length": len(text)}
        if self._stage.config.provenance.log_text:
            said["text"] = text
        self._record.note("said", said)
        pronounced = 0
        async with aclosing(self._stage.voice.speak(text, performer.character.voice)) as chunks:
            async for chunk in chunks:
                if not self.samples and not chunk.phones and chunk.pcm.any():
                    self._live = True  # the voice does not know its phones: the lip-sync listens to it
                    self._engine.post("listen", performer.row)
                performer.timeline.place(chunk.first, chunk.pcm)
                if chunk.phones:
                    phones = [(p.phone, p.start, p.end) for p in chunk.phones]
                    self._engine.post("pronounce", performer.row, phones)
                    pronounced = chunk.phones[-1].end
                self.samples = chunk.first + len(chunk.pcm)
                known = min(pronounced - REACH, self.samples - SAMPLES_PER_FRAME)
                if self._live:
                    known = self.samples - self._ahead + 1
                    self._warm_up()
                async for response in self._make(known):
                    yield response
        async for response in self._finish():
            yield response

    async def audio(
        self, requests: AsyncIterator[likeness_pb2.AnimateRequest]
    ) -> AsyncGenerator[AnimateResponse, None]:
        """Sound from the caller moves the face."""
        rate = self._start.sample_rate
        if not is_usual_rate(rate):
            raise InputError(
                f"start needs a text, or the sample_rate of the audio that follows "
                f"(one that devices record at, such as 16000, 44100 or 48000), not {rate}."
            )
        resampler = Resampler(rate, SAMPLE_RATE)
        most = int(self._stage.config.limits.animate_minutes * 60 * SAMPLE_RATE)
        async for piece in _pieces(requests):
            self._place(resampler.push(piece))
            if self.samples > most:
                raise LimitError(
                    f"more than {self._stage.config.limits.animate_minutes:g} minutes of audio in one call; "
                    "cut it into several."
                )
            self._warm_up()
            async for response in self._make(self.samples - self._ahead + 1):
                yield response
        self._place(resampler.flush())
        if not self.samples:
            raise InputError("no audio came; send pcm16 after start, then half-close the call.")
        async for response in self._finish():
            yield response

    def _place(self, sound: NDArray[np.float32]) -> None:
        pcm = np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
        self._performer.timeline.place(self.samples, pcm)
        self.samples += len(pcm)

    def _hop(self, frame: int) -> Int16:
        """The lip-sync's input that completes a frame."""
        sound = self._performer.timeline.read(frame + self._ahead - SAMPLES_PER_FRAME, SAMPLES_PER_FRAME)
        return _SILENCE if sound is None else sound

    def _warm_up(self, short: bool = False) -> None:
        """What the lip-sync hears before the first frame: the look-ahead less one hop, once it is there.

        `short`: there will not be more.
        """
        if self._warm or (self.samples < self._ahead and not short):
            return
        self._warm = True
        before = (self._ahead - 1) // SAMPLES_PER_FRAME
        for k in range(before, 0, -1):
            self._engine.post("warm_up", self._performer.row, self._hop(-k * SAMPLES_PER_FRAME))

    async def _finish(self) -> AsyncGenerator[AnimateResponse, None]:
        if self._live:
            self._warm_up(short=True)
        async for response in self._make(self.samples + CLOSING, final=True):
            yield response
        seal = self._record.flush()
        if seal is not None:
            yield AnimateResponse(seal=seal)

    async def _make(self, until: int, final: bool = False) -> AsyncGenerator[AnimateResponse, None]:
        """All frames before a sample, in groups; each group's voice follows it."""
        performer = self._performer
        while performer.next_frame < until:
            jobs: list[FrameJob] = []
            first = performer.next_frame
            while performer.next_frame < until and len(jobs) < GROUP:
                jobs.append(self._job(until if final else None))
            answer = await self._engine.request([batch([job]) for job in jobs], ())
            await self._pace(first)
            packets, seals = self._packets(jobs, answer)
            self.frames += len(jobs)
            yield AnimateResponse(packets=packets)
            for seal in seals:
                yield AnimateResponse(seal=seal)
            if self._start.return_voice:
                voice = self._voice(first, min(performer.next_frame, self.samples))
                if voice is not None:
                    yield AnimateResponse(voice=voice)
            performer.timeline.forget(performer.next_frame - SAMPLES_PER_FRAME)

    def _job(self, end: int | None) -> FrameJob:
        performer = self._performer
        first = performer.next_frame
        job = FrameJob(
            performer,
            first,
            performer.sequence,
            text=None if self._live else performer.timeline.read(first, SAMPLES_PER_FRAME),
            hop=self._hop(first) if self._live else None,
            last=end is not None and first + SAMPLES_PER_FRAME >= end,
        )
        performer.next_frame += SAMPLES_PER_FRAME
        performer.sequence += 1
        return job

    def _packets(
        self, jobs: list[FrameJob], answer: Answer
    ) -> tuple[likeness_pb2.Packets, list[stream_pb2.Seal]]:
        """The encoded frames, each under a seal; raises SealError when one cannot be sealed."""
        packets, seals = likeness_pb2.Packets(), list[stream_pb2.Seal]()
        for job, ((packet,), controls) in zip(jobs, answer.frames, strict=True):
            packets.frames += packet
            if self._start.controls:
                packets.controls.extend(controls[0].tolist())
            seal = self._record.add(job.sequence, packet)
            if seal is not None:
                seals.append(seal)
        return packets, seals

    def _voice(self, first: int, end: int) -> stream_pb2.VoiceChunk | None:
        if end <= first:
            return None
        pcm = self._performer.timeline.read(first, end - first)
        data = bytes(2 * (end - first)) if pcm is None else pcm.astype("<i2", copy=False).tobytes()
        return stream_pb2.VoiceChunk(
            avatar=AVATAR, sample=first, codec=stream_pb2.VoiceChunk.PCM16, data=data
        )

    async def _pace(self, first: int) -> None:
        if self._start.paced:
            lead = self._stage.config.stage.lead_ms / 1000
            wait = self._began + first / SAMPLE_RATE - lead - self._stage.now()
            if wait > 0:
                await asyncio.sleep(wait)


_SILENCE: Final = np.zeros(SAMPLES_PER_FRAME, np.int16)


async def _start(requests: AsyncIterator[likeness_pb2.AnimateRequest]) -> AnimateStart:
    first = await _next(requests)
    if first is None or first.WhichOneof("body") != "start":
        raise InputError("the first request must be a start.")
    return first.start


async def _pieces(requests: AsyncIterator[likeness_pb2.AnimateRequest]) -> AsyncGenerator[Int16, None]:
    """The audio that follows the start."""
    while (request := await _next(requests)) is not None:
        if request.WhichOneof("body") != "pcm16":
            raise InputError("after start only pcm16 may follow.")
        size = len(request.pcm16)
        if size % 2 or size > LONGEST_PIECE:
            raise InputError(f"{size} bytes of pcm16; send whole int16, at most {LONGEST_PIECE} bytes.")
        yield np.frombuffer(request.pcm16, "<i2")


async def _next(
    requests: AsyncIterator[likeness_pb2.AnimateRequest],
) -> likeness_pb2.AnimateRequest | None:
    try:
        return await asyncio.wait_for(anext(requests, None), REQUEST_SECONDS)
    except TimeoutError:
        raise InputError(
            f"nothing came for {REQUEST_SECONDS:g} s; half-close the call after the last audio."
        ) from None
