"""Gathering one pass: frame jobs of many performers into batches, voice jobs into packets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.stage.engine import Batch, Block
from likeness.stage.outlet import BLOCK, VoicePacket
from likeness.stage.performer import FrameJob, Performer, VoiceJob
from likeness.stage.timeline import mix

Int16 = NDArray[np.int16]

_SILENCE: Final = np.zeros(BLOCK, np.int16)


def rounds(jobs: Sequence[FrameJob]) -> list[list[FrameJob]]:
    """Jobs in rounds that hold each performer at most once, each performer's in order.

    A round is in the order of the engine's rows: those that lie side by side are worked on without copies.
    """
    out: list[list[FrameJob]] = []
    count: dict[int, int] = {}
    for job in jobs:
        k = count.get(job.performer.row, 0)
        count[job.performer.row] = k + 1
        if k == len(out):
            out.append([])
        out[k].append(job)
    for jobs_of_round in out:
        jobs_of_round.sort(key=lambda job: job.performer.row)
    return out


def batch(jobs: Sequence[FrameJob]) -> Batch:
    """One round of jobs as the engine takes it."""
    spoken = [i for i, job in enumerate(jobs) if job.text is not None]
    live = [i for i, job in enumerate(jobs) if job.hop is not None]
    return Batch(
        rows=[job.performer.row for job in jobs],
        avatars=[job.performer.avatar for job in jobs],
        samples=[job.sample for job in jobs],
        sequences=[job.sequence for job in jobs],
        last=[i for i, job in enumerate(jobs) if job.last],
        spoken=spoken,
        text=np.stack([job.text for job in jobs if job.text is not None]) if spoken else None,
        live=live,
        hops=np.stack([job.hop for job in jobs if job.hop is not None]) if live else None,
    )


@dataclass(frozen=True, slots=True)
class MadeVoice:
    """20 ms of a performer's voice: for everyone, and for its own person. None: nobody wants it."""

    performer: Performer
    everyone: VoicePacket | None
    own: VoicePacket | None


class VoiceRound:
    """The voice blocks of one pass: what has to be encoded, and the packets once it is."""

    def __init__(self, jobs: Sequence[VoiceJob]) -> None:
        self._plans = [_Plan(job) for job in jobs]
        self.blocks: list[Block] = [block for plan in self._plans for block in plan.blocks]
        """What the engine shall encode."""

    def packets(self, opus: Sequence[bytes]) -> list[MadeVoice]:
        """The voices, given the Opus packets of `blocks`."""
        rest = iter(opus)
        return [plan.made([next(rest) for _ in plan.blocks]) for plan in self._plans]


class _Plan:
    def __init__(self, job: VoiceJob) -> None:
        wanted, self._job = job.wanted, job
        text = job.text if job.text is not None and job.text.any() else None
        live = job.live if job.live is not None and job.live.any() else None
        self._all = text if live is None else live if text is None else mix(text, live)
        self._text = text
        # Without live sound the person hears what everyone hears: one packet for all.
        self._same = live is None
        self._everyone = wanted.all or (wanted.own and self._same)
        row, sample = job.performer.row, job.sample
        self.blocks: list[Block] = []
        self._opus = (wanted.all_opus or (wanted.own_opus and self._same), wanted.own_opus and not self._same)
        if self._opus[0]:
            self.blocks.append(Block(row, False, sample, self._all))
        if self._opus[1]:
            self.blocks.append(Block(row, True, sample, text))

    def made(self, opus: list[bytes]) -> MadeVoice:
        performer, wanted = self._job.performer, self._job.wanted
        rest = iter(opus)
        all_opus = next(rest) if self._opus[0] else b""
        own_opus = next(rest) if self._opus[1] else b""
        everyone = self._packet(self._all, all_opus) if self._everyone else None
        own = None
        if wanted.own:
            own = everyone if self._same else self._packet(self._text, own_opus)
        return MadeVoice(performer, everyone, own)

    def _packet(self, pcm: Int16 | None, opus: bytes) -> VoicePacket:
        sound = _SILENCE if pcm is None else pcm
        return VoicePacket(self._job.performer.avatar, self._job.sample, sound, opus, pcm is None)
