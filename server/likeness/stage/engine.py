"""Engine: the numeric part of a tick, all performers at once. It lives in a process of its own."""

import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from likeness.head import Character, Head, load_head
from likeness.head.controls import CONTROL_COUNT
from likeness.head.frame import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME, Float32, Hand
from likeness.performance.packet import encode_frames
from likeness.performance.troupe import Troupe
from likeness.speech.articulation import Articulator, TimedPhone
from likeness.speech.lipsync import LipSync
from likeness.speech.prosody import Prosody
from likeness.stage.outlet import BLOCK
from likeness.stage.timeline import as_float
from likeness.stage.voice_encoder import VoiceEncoder
from likeness.tracking.face import REGIONS, TrackedFace
from likeness.tracking.landmark_solver import LandmarkSolver
from likeness.tracking.landmarks import LandmarkFrame
from likeness.tracking.person import PersonTracker, track

Int16 = NDArray[np.int16]

_SILENCE: Final = np.zeros(BLOCK, np.int16)
_REHEARSED: Final = 33
"""Voices of a rehearsal: enough for every size of product."""
_MOUTH_LINGERS: Final = SAMPLE_RATE // 2
"""Phones move the mouth for a little while after they end."""
_CALM: Final = 4 * FRAME_RATE
"""Silent frames after which everything that a voice moved has long come to rest."""


class Batch(NamedTuple):  # a tuple, because it crosses to another process 60 times a second
    """Frames to be made, one a performer. Rows are engine ids; everything else is in the same order.

    spoken, text: which of them have a synthetic voice, and int16[n, 800] of it from the frame's sample on.
    live, hops: which have a live voice, and int16[m, 800] of it that completes the lip-sync's look-ahead.
    """

    rows: Sequence[int]
    avatars: Sequence[int]
    samples: Sequence[int]
    sequences: Sequence[int]
    last: Sequence[int]
    """Positions of frames that end their performance."""
    spoken: Sequence[int]
    text: Int16 | None
    live: Sequence[int]
    hops: Int16 | None


class Block(NamedTuple):
    """20 ms of voice to be encoded. pcm: int16[960]; None: silence. own: as its own person hears it."""

    row: int
    own: bool
    sample: int
    pcm: Int16 | None


class Engine:
    """Turns sound and phones into frames, and voice blocks into Opus packets. Not thread-safe.

    One LipSync step for all live speakers, one Prosody step for all who can be heard, one Troupe step for
    everybody, one vectorised encode. A performer is known by its row.
    """

    def __init__(self, capacity: int) -> None:
        self._lipsync = LipSync(capacity)
        hops = self._lipsync.look_ahead // SAMPLES_PER_FRAME + 1
        self._past = np.zeros((capacity, hops, SAMPLES_PER_FRAME), np.float32)
        """What each live voice said last, a ring of hops: prosody reads it at the frame's own time."""
        self._heard = np.zeros(capacity, np.int64)
        """How many hops each has said."""
        self._prosody = Prosody(np.random.default_rng(secrets.randbits(64)))
        self._troupe = Troupe()
        self._heads: dict[str, Head] = {}
        self._cast: dict[int, _Member] = {}
        self._solver: LandmarkSolver | None = None
        self._persons: dict[int, PersonTracker] = {}
        self._seen: dict[int, LandmarkFrame] = {}

    def rehearse(self) -> None:
        """Run each model once or twice: first calls allocate and plan, and would hold up the first voices."""
        lips = [self._lipsync.open() for _ in range(min(_REHEARSED, self._lipsync.capacity))]
        sound = np.zeros((len(lips), SAMPLES_PER_FRAME), np.float32)
        prosody = [self._prosody.open() for _ in lips]
        for count in (1, min(2, len(lips)), len(lips)):
            self._lipsync.step(np.array(lips[:count]), sound[:count])
            self._prosody.step(prosody[:count], sound[:count])
        for slot, melody in zip(lips, prosody, strict=True):
            self._lipsync.close(slot)
            self._prosody.close(melody)

    @property
    def look_ahead(self) -> int:
        """Samples that a live voice's lips need beyond a frame."""
        return self._lipsync.look_ahead

    def add(self, character: Character, seed: int) -> tuple[int, tuple[str, ...], Float32]:
        """A new performer at rest: its row, and names [E] and wire steps [E] of its components.

        Raises:
            NotFoundError, InputError: its head cannot be loaded.
        """
        head = self._heads.get(character.head)
        if head is None:
            head = self._heads[character.head] = load_head(character.head)
        row = self._troupe.add(character, head, seed)
        self._cast[row] = _Member(self._prosody.open())
        return row, tuple(self._troupe.components(row)), self._troupe.scales(row)[0]

    def remove(self, row: int) -> None:
        """Forget a performer."""
        self.deafen(row)
        self._seen.pop(row, None)
        self._persons.pop(row, None)
        self._prosody.close(self._cast.pop(row).prosody)
        self._troupe.remove(row)

    def listen(self, row: int) -> None:
        """Let live sound move the performer's mouth; what was heard before is forgotten."""
        self.deafen(row)
        self._cast[row].lips = self._lipsync.open()

    def deafen(self, row: int) -> None:
        """Live sound moves it no more."""
        member = self._cast[row]
        if member.lips is not None:
            self._past[member.lips] = 0.0
            self._lipsync.close(member.lips)
            member.lips = None

    def warm_up(self, row: int, hop: Int16) -> None:
        """Live sound [800] before the first frame."""
        lips = self._cast[row].lips
        if lips is not None:
            self._listen(np.array([lips]), as_float(hop)[None])

    def pronounce(self, row: int, phones: Sequence[tuple[str, int, int]]) -> None:
        """Phones (IPA, start, end) that are going to be heard, in samples of the performer's clock."""
        self._cast[row].articulator.push([TimedPhone(*phone) for phone in phones])

    def hush(self, row: int) -> None:
        """Forget all phones."""
        self._cast[row].articulator = Articulator()

    def set_driver(self, row: int, driver: int) -> None:
        """See Troupe; so the following."""
        self._troupe.set_driver(row, driver)

    def set_epoch(self, row: int, epoch: int) -> None:
        self._troupe.set_epoch(row, epoch)

    def set_listener(self, row: int, position: Float32 | None) -> None:
        self._troupe.set_listener(row, position)

    def set_override(self, row: int, controls: Float32 | None, expression: Float32 | None) -> None:
        self._troupe.set_override(row, controls, expression)

    def set_tracked(self, row: int, controls: Float32 | None, head: Float32 | None) -> None:
        self._troupe.set_tracked(row, controls, None, head)

    def set_face(self, row: int, face: TrackedFace | None) -> None:
        """What a tracker saw; None: the face is lost."""
        if face is None or not face.confidence[: REGIONS.index("head")].any():
            self._troupe.set_tracked(row, None, None, None)
        else:
            self._troupe.set_tracked(
                row, face.looking, face.confidence, face.head_rotation, face.head_translation
            )

    def set_landmarks(self, row: int, frame: LandmarkFrame) -> None:
        """A person's landmarks; solved together with everybody's at the next frames. The newest counts."""
        self._seen[row] = frame

    def calibrate(self, row: int) -> None:
        """The next second of landmarks is the person's neutral face."""
        self._persons.pop(row, None)

    def forget_face(self, row: int) -> None:
        """Consent was taken back: no face, no neutral, nothing pending."""
        self._seen.pop(row, None)
        self._persons.pop(row, None)
        self._troupe.set_tracked(row, None, None, None)

    def set_pose(
        self, row: int, rotation: Float32 | None, position: Float32 | None, hands: tuple[Hand, Hand] | None
    ) -> None:
        self._troupe.set_pose(row, rotation, position, hands)

    def set_emotion(self, row: int, controls: Float32 | None) -> None:
        self._troupe.set_emotion(row, controls)

    def hear(self, batch: Batch) -> None:
        """Take in the voices of a batch now: its frames, asked for later, need not wait for that."""
        members = [self._cast.get(row) for row in batch.rows]
        self._hear(batch, {i: m for i, m in enumerate(members) if m is not None})

    def frames(self, batch: Batch) -> tuple[list[bytes], Float32]:
        """The encoded frames of a batch, and the controls [N, 52] that made them."""
        if not batch.rows:
            return [], np.zeros((0, CONTROL_COUNT), np.float32)
        self._solve_landmarks()
        rows = np.array(batch.rows, np.int64)
        self._hear(batch, {i: self._cast[row] for i, row in enumerate(batch.rows)})
        out = self._troupe.step(rows, np.array(batch.samples, np.int64))
        out.ended[np.array(batch.last, np.int64)] = True
        packets = encode_frames(out, batch.avatars, batch.sequences, self._troupe.scales(rows))
        return packets, out.controls

    def opus(self, blocks: Sequence[Block]) -> list[bytes]:
        """The Opus packet of each block."""
        packets: list[bytes] = []
        for block in blocks:
            member = self._cast[block.row]
            encoder = member.own_encoder if block.own else member.encoder
            pcm = _SILENCE if block.pcm is None else block.pcm
            packets.append(encoder.encode(pcm, block.sample, block.pcm is None))
        return packets

    def _solve_landmarks(self) -> None:
        if not self._seen:
            return
        if self._solver is None:
            self._solver = LandmarkSolver(load_head("open"))
        rows = list(self._seen)
        persons = [self._persons.setdefault(row, PersonTracker()) for row in rows]
        faces = track(self._solver, persons, [self._seen[row] for row in rows])
        self._seen.clear()
        for row, face in zip(rows, faces, strict=True):
            if face is not None:
                self.set_face(row, face)

    def _hear(self, batch: Batch, members: "dict[int, _Member]") -> None:
        """What the voices of a batch do to its next frames; `members` by position. Who has long been silent,
        or was heard for this frame already, is left alone."""
        sounding = {*batch.spoken, *batch.live}
        heard: list[int] = []
        for i, member in members.items():
            if member.heard == batch.samples[i]:
                continue
            member.heard = batch.samples[i]
            member.quiet = 0 if i in sounding else member.quiet + 1
            if member.quiet <= _CALM or member.mouthing(batch.samples[i]):
                heard.append(i)
        if not heard:
            return
        controls = np.zeros((len(heard), CONTROL_COUNT), np.float32)
        sound = np.zeros((len(heard), SAMPLES_PER_FRAME), np.float32)
        place = {i: at for at, i in enumerate(heard)}
        if batch.hops is not None:
            open_ears = [
                (k, place[i], lips)
                for k, i in enumerate(batch.live)
                if i in place and (lips := members[i].lips) is not None
            ]
            if open_ears:
                hops, at, lips = (np.array(part, np.int64) for part in zip(*open_ears, strict=True))
                controls[at], sound[at] = self._listen(lips, as_float(batch.hops[hops]))
        if batch.text is not None:
            for k, i in enumerate(batch.spoken):
                if i in place:
                    sound[place[i]] += as_float(batch.text[k])
        for i, at in place.items():
            if members[i].mouthing(batch.samples[i]):
                mouth = members[i].articulator.controls(batch.samples[i])
                np.maximum(controls[at], mouth, out=controls[at])
        prosody = self._prosody.step([members[i].prosody for i in heard], sound)
        self._troupe.set_speech([batch.rows[i] for i in heard], controls, prosody.voiced, prosody)

    def _listen(self, lips: NDArray[np.int64], hops: Float32) -> tuple[Float32, Float32]:
        """Controls [N, 52] after one hop of each live voice, and the sound [N, 800] of those frames."""
        heard, ring = self._heard[lips], self._past.shape[1]
        self._past[lips, heard % ring] = hops
        self._heard[lips] = heard + 1
        # A frame's sound begins in the oldest hop of the ring and ends in the one after it.
        rest = self._lipsync.look_ahead % SAMPLES_PER_FRAME
        begin = self._past[lips, (heard + 1) % ring, SAMPLES_PER_FRAME - rest :]
        end = self._past[lips, (heard + 2) % ring, : SAMPLES_PER_FRAME - rest]
        return self._lipsync.step(lips, hops), np.concatenate([begin, end], axis=1)


class _Member:
    """What the engine keeps of a performer beside its row."""

    def __init__(self, prosody: int) -> None:
        self.prosody = prosody
        self.lips: int | None = None
        self.heard = -1
        """The frame's sample up to which its voice was heard."""
        self.quiet = 0
        """Frames since the last one that had sound."""
        self.articulator = Articulator()
        self.encoder = VoiceEncoder()
        self.own_encoder = VoiceEncoder()

    def mouthing(self, sample: int) -> bool:
        """Whether phones that are known move the mouth."""
        return self.articulator.known_until + _MOUTH_LINGERS > sample
