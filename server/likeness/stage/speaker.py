"""Speaker: what a performer has been asked to say, one text after another."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol

from likeness.errors import LikenessError, LimitError
from likeness.head import VoiceSettings
from likeness.head.frame import SAMPLE_RATE
from likeness.speech import Voice, VoiceChunk, clean_text
from likeness.stage.performer import Performer
from likeness.v1.room_pb2 import SpeechState

ANTICIPATION: Final = 1600
"""Samples between the next frame and the first sound: the mouth opens before it speaks."""
BREATH: Final = int(0.3 * SAMPLE_RATE)
"""Silence between two texts."""
AHEAD: Final = 6 * SAMPLE_RATE
"""The voice is asked for more only when less than this is left to be heard: memory stays bounded."""
WORD: Final = 6
"""Letters of a word and its blank, where the length of a text's voice is not known yet."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What listeners have really heard of a text. `whole`: all of it."""

    text: str
    whole: bool
    start: int
    end: int


class SpeechListener(Protocol):
    """Is told the life of each text."""

    def __call__(self, phase: "SpeechState.Phase", utterance: "Utterance", error: str = "") -> None: ...


@dataclass(slots=True)
class Utterance:
    """One text on its way. `start` and `end` are media samples; -1 until known."""

    id: int
    text: str
    start: int = -1
    end: int = -1
    complete: bool = False


class Speaker:
    """Queues texts and lays their voice and phones on a performer's timeline.

    Args:
        pronounce: is told the phones (IPA, start, end on the media clock) that will be heard.
        overhear: is called when the voice does not know its phones; afterwards the performer's lip-sync
            listens to the voice.
        hush: is called when none of them will be.
        tell: is told each change of phase.
    """

    def __init__(
        self,
        performer: Performer,
        voice: Voice,
        settings: VoiceSettings,
        limit: int,
        pronounce: Callable[[list[tuple[str, int, int]]], None],
        overhear: Callable[[], None],
        hush: Callable[[], None],
        tell: SpeechListener,
    ) -> None:
        self._performer = performer
        self._voice = voice
        self._settings = settings
        self._limit = limit
        self._pronounce = pronounce
        self._overhear = overhear
        self._hush = hush
        self._tell = tell
        self._queue: deque[Utterance] = deque()
        self._placed: deque[Utterance] = deque()
        self._current: Utterance | None = None
        self._task: asyncio.Task[None] | None = None
        self.history: deque[Heard] = deque(maxlen=200)
        """The latest texts, as far as they were heard."""

    @property
    def speaking(self) -> bool:
        """Something is being said or about to be."""
        return bool(self._queue or self._placed or self._current)

    def say(self, text: str, id: int) -> None:
        """Queue a text.

        Raises:
            InputError: nothing to say. LimitError: too long, or too many are waiting.
        """
        clean = clean_text(text)
        if len(self._queue) >= self._limit:
            raise LimitError(f"{self._limit} texts are waiting to be said already; stop them or wait.")
        utterance = Utterance(id, clean)
        self._queue.append(utterance)
        self._tell(SpeechState.QUEUED, utterance)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"speaker of {self._performer.session}")

    def stop(self) -> None:
        """Say no more: what is not heard yet is never heard, and never counts as heard."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        cut = self._performer.cut()
        self._hush()
        waiting = [*self._placed, *([self._current] if self._current else []), *self._queue]
        self._placed.clear()
        self._queue.clear()
        self._current = None
        seen: set[int] = set()
        for utterance in waiting:
            if id(utterance) in seen:
                continue
            seen.add(id(utterance))
            if 0 <= utterance.start < cut:
                self.history.append(_heard_until(utterance, cut, self._settings.rate))
            utterance.end = cut
            self._tell(SpeechState.STOPPED, utterance)

    def advance(self) -> None:
        """Report what has been heard to its end."""
        heard = self._performer.heard
        while self._placed and self._placed[0].complete and self._placed[0].end <= heard:
            done = self._placed.popleft()
            self.history.append(Heard(done.text, True, done.start, done.end))
            self._tell(SpeechState.FINISHED, done)

    async def close(self) -> None:
        """Cancel what is under way, silently."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while self._queue:
            await self._room()
            self._current = utterance = self._queue.popleft()
            try:
                await self._lay(utterance, self._voice.speak(utterance.text, self._settings))
            except LikenessError as error:
                self._forget(utterance)
                self._tell(SpeechState.FAILED, utterance, str(error))
            finally:
                if self._current is utterance:
                    self._current = None

    async def _lay(self, utterance: Utterance, chunks: AsyncGenerator[VoiceChunk, None]) -> None:
        performer, shift = self._performer, 0
        async with aclosing(chunks):
            async for chunk in chunks:
                if utterance.start < 0 and not chunk.phones and chunk.pcm.any() and not performer.lips_ahead:
                    self._overhear()
                soonest = performer.next_frame + ANTICIPATION + performer.lips_ahead
                if utterance.start < 0:
                    after = self._placed[-1].end + BREATH if self._placed else 0
                    utterance.start = shift = max(soonest, after)
                    self._placed.append(utterance)
                    self._tell(SpeechState.STARTED, utterance)
                elif chunk.first + shift < performer.next_frame:
                    shift = soonest - chunk.first  # the voice fell behind: a pause, and the rest is later
                performer.timeline.place(chunk.first + shift, chunk.pcm)
                if chunk.phones:
                    self._pronounce([(p.phone, p.start + shift, p.end + shift) for p in chunk.phones])
                utterance.end = chunk.first + shift + len(chunk.pcm)
                utterance.complete = chunk.final
                if not chunk.final:
                    await self._room()

    async def _room(self) -> None:
        """Wait while enough is laid already."""
        while self._performer.timeline.end - self._performer.heard > AHEAD:
            await asyncio.sleep(0.1)

    def _forget(self, utterance: Utterance) -> None:
        if self._placed and self._placed[-1] is utterance:
            self._placed.pop()
            utterance.end = self._performer.cut()
            self._hush()


def _heard_until(utterance: Utterance, cut: int, rate: int) -> Heard:
    """The whole words that were heard: by the share of the voice that was sent, or by the words a minute."""
    if utterance.complete and utterance.end <= cut:
        return Heard(utterance.text, True, utterance.start, utterance.end)
    if utterance.complete:
        letters = len(utterance.text) * (cut - utterance.start) // max(utterance.end - utterance.start, 1)
    else:
        letters = (cut - utterance.start) * rate * WORD // (60 * SAMPLE_RATE)
    words = utterance.text[:letters].rsplit(None, 1)
    return Heard(words[0] if len(words) > 1 else "", False, utterance.start, cut)
