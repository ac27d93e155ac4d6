"""Engine: the numeric part of a tick, all performers at once; runs on a thread of its own."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.head import Character, Head
from likeness.head.controls import CONTROL_COUNT
from likeness.head.frame import SAMPLE_RATE, SAMPLES_PER_FRAME
from likeness.performance.packet import encode_frames
from likeness.performance.troupe import Troupe
from likeness.speech.lipsync import LipSync
from likeness.speech.prosody import Prosody
from likeness.stage.outlet import BLOCK, VoicePacket
from likeness.stage.performer import FrameJob, Performer, VoiceJob
from likeness.stage.voice_encoder import VoiceEncoder
from likeness.v1 import stream_pb2

_log = logging.getLogger(__name__)

_SILENCE: Final = np.zeros(BLOCK, np.int16)
_MOUTH_LINGERS: Final = SAMPLE_RATE // 2
"""Phones move the mouth for a little while after they end."""


@dataclass(frozen=True, slots=True)
class MadeFrame:
    """A frame as it goes out, and the seal that it completes."""

    performer: Performer
    packet: bytes
    controls: NDArray[np.float32]
    """[52], a view."""
    seal: stream_pb2.Seal | None


@dataclass(frozen=True, slots=True)
class MadeVoice:
    """20 ms of a performer's voice: for everyone, and for its own person."""

    performer: Performer
    everyone: VoicePacket | None
    own: VoicePacket | None


@dataclass(slots=True)
class Made:
    """What one pass brought about."""

    frames: list[MadeFrame] = field(default_factory=list[MadeFrame])
    voices: list[MadeVoice] = field(default_factory=list[MadeVoice])
    failures: dict[Performer, str] = field(default_factory=dict[Performer, str])
    """Performers that may send nothing more, and why."""


class Engine:
    """Turns jobs into frames and voice packets.

    One LipSync step for all live speakers, one Prosody and one Troupe step for everybody, one vectorised
    encode. Whoever calls `run` from a thread must not touch the parts meanwhile.
    """

    def __init__(self, lipsync: LipSync, prosody: Prosody, troupe: Troupe) -> None:
        self.lipsync = lipsync
        self.prosody = prosody
        self.troupe = troupe

    def add(
        self, character: Character, head: Head, seed: int, *, avatar: int, lead: int, tick: int
    ) -> Performer:
        """A new performer at rest; see Performer for the arguments."""
        row = self.troupe.add(character, head, seed)
        scales = self.troupe.scales(row)[0]
        performer = Performer(avatar, character, row, self.troupe.components(row), scales, lead, tick)
        performer.prosody_slot = self.prosody.open()
        return performer

    def remove(self, performer: Performer) -> None:
        """Forget a performer."""
        self.troupe.remove(performer.row)
        if performer.prosody_slot is not None:
            self.prosody.close(performer.prosody_slot)
        self.deafen(performer)
        performer.prosody_slot = None

    def listen(self, performer: Performer) -> None:
        """Let live sound move the performer's mouth."""
        if performer.lip_slot is None:
            performer.lip_slot = self.lipsync.open()

    def deafen(self, performer: Performer) -> None:
        """Live sound moves it no more."""
        if performer.lip_slot is not None:
            self.lipsync.close(performer.lip_slot)
            performer.lip_slot = None

    def run(self, frames: Sequence[FrameJob], voices: Sequence[VoiceJob]) -> Made:
        """Make everything that is due. A performer's frames must be in order."""
        made = Made()
        for batch in _batches(frames):
            self._frames(batch, made)
        for job in voices:
            if not job.performer.failed:
                self._voice(job, made)
        return made

    def _frames(self, jobs: list[FrameJob], made: Made) -> None:
        rows = np.array([j.performer.row for j in jobs], np.int64)
        samples = np.array([j.sample for j in jobs], np.int64)
        controls = self._mouths(jobs)
        sound = np.zeros((len(jobs), SAMPLES_PER_FRAME), np.float32)
        for i, job in enumerate(jobs):
            if job.sound is not None:
                sound[i] = job.sound
        slots = np.array([j.performer.prosody_slot for j in jobs], np.int64)
        prosody = self.prosody.step(slots, sound)
        self.troupe.set_speech(rows, controls, prosody.voiced, prosody)
        out = self.troupe.step(rows, samples)
        for i, job in enumerate(jobs):
            out.ended[i] = job.last
        avatars, sequences = [j.performer.avatar for j in jobs], [j.sequence for j in jobs]
        packets = encode_frames(out, avatars, sequences, self.troupe.scales(rows))
        for job, packet, of_frame in zip(jobs, packets, out.controls, strict=True):
            self._seal(job, packet, of_frame, made)

    def _mouths(self, jobs: list[FrameJob]) -> NDArray[np.float32]:
        controls = np.zeros((len(jobs), CONTROL_COUNT), np.float32)
        live, slots, hops = list[int](), list[int](), list[NDArray[np.float32]]()
        for i, job in enumerate(jobs):
            if job.hop is not None and job.performer.lip_slot is not None:
                live.append(i)
                slots.append(job.performer.lip_slot)
                hops.append(job.hop)
        if live:
            controls[live] = self.lipsync.step(np.array(slots), np.stack(hops))
        for i, job in enumerate(jobs):
            articulator = job.performer.articulator
            if articulator.known_until + _MOUTH_LINGERS > job.sample:
                np.maximum(controls[i], articulator.controls(job.sample), out=controls[i])
        return controls

    def _seal(self, job: FrameJob, packet: bytes, controls: NDArray[np.float32], made: Made) -> None:
        performer = job.performer
        if performer.failed or performer.record is None:
            return
        try:
            seal = performer.record.add(job.sequence, packet)
        except (LikenessError, OSError, ValueError) as error:
            _log.exception("sealing failed for session %s", performer.session)
            performer.failed = True
            made.failures[performer] = str(error)
            return
        made.frames.append(MadeFrame(performer, packet, controls, seal))

    def _voice(self, job: VoiceJob, made: Made) -> None:
        performer, wanted = job.performer, job.wanted
        text = job.text if job.text is not None and job.text.any() else None
        live = job.live if job.live is not None and job.live.any() else None
        mixed = text if live is None else live if text is None else _mix(text, live)
        everyone = own = None
        if wanted.all or (wanted.own and live is None):
            opus = wanted.all_opus or (wanted.own_opus and live is None)
            everyone = _packet(job, mixed, performer.encoder if opus else None)
        if wanted.own:
            same = live is None
            own = everyone if same else _packet(job, text, performer.own_encoder if wanted.own_opus else None)
        made.voices.append(MadeVoice(performer, everyone, own))


def _batches(jobs: Sequence[FrameJob]) -> list[list[FrameJob]]:
    """Jobs in rounds that hold each performer at most once, each performer's in order."""
    rounds: list[list[FrameJob]] = []
    count: dict[int, int] = {}
    for job in jobs:
        k = count.get(id(job.performer), 0)
        count[id(job.performer)] = k + 1
        if k == len(rounds):
            rounds.append([])
        rounds[k].append(job)
    return rounds


def _mix(a: NDArray[np.int16], b: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.clip(a.astype(np.int32) + b, -32768, 32767).astype(np.int16)


def _packet(job: VoiceJob, pcm: NDArray[np.int16] | None, encoder: VoiceEncoder | None) -> VoicePacket:
    silent = pcm is None
    sound = _SILENCE if pcm is None else pcm
    opus = b"" if encoder is None else encoder.encode(sound, job.sample, silent)
    return VoicePacket(job.performer.avatar, job.sample, sound, opus, silent)
