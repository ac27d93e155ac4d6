"""Performer: one avatar of a room, its voice on the media clock and how far it has been sent."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head import Character
from likeness.head.frame import SAMPLES_PER_FRAME
from likeness.stage.clock import GRID
from likeness.stage.microphone import Microphone
from likeness.stage.outlet import BLOCK
from likeness.stage.timeline import VoiceTimeline, mix
from likeness.v1 import stream_pb2

Float32 = NDArray[np.float32]
Int16 = NDArray[np.int16]

CATCH_UP: Final = 4
"""Frames of one performer in one pass; a longer backlog is worked off in the passes that follow."""
PATIENCE: Final = 3 * SAMPLES_PER_FRAME // 2
"""How much later a live voice's frame may be than one of a silent performer: sound comes in packets."""
AHEAD: Final = 6 * SAMPLES_PER_FRAME
"""How far before its time a frame may go out when its sound is here: that of a voice which was placed later
because its network once held it back comes early ever after, until a pause lets it catch up."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameJob:
    """One frame to be made.

    text: int16[800] of synthetic voice from the frame's sample on; None in silence. hop: int16[800] of live
    voice, the lip-sync's next input; None where no microphone is open. last: the performance ends with it.
    """

    performer: "Performer"
    sample: int
    sequence: int
    text: Int16 | None
    hop: Int16 | None
    last: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class VoiceJob:
    """One voice block to be sent. `text` is the synthetic part, `live` the microphone's; None: silence."""

    performer: "Performer"
    sample: int
    text: Int16 | None
    live: Int16 | None
    wanted: "Wanted"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who listens to a performer: others (and its person, who wants to hear everything), and in which
    form; and its person, who hears the synthetic part only."""

    all: bool = False
    all_opus: bool = False
    own: bool = False
    own_opus: bool = False

    def __bool__(self) -> bool:
        return self.all or self.own


class Performer:
    """One avatar in time. The media clock starts at 0 on tick `origin`, a multiple of GRID.

    Args:
        avatar: id in its room, 1..65535.
        row: its row in the engine.
        components, scales: names of its expression components and their steps on the wire, [E].
        lead: samples that frames go out ahead of their sound.
        tick: the stage's present tick.
    """

    def __init__(
        self,
        avatar: int,
        character: Character,
        row: int,
        components: tuple[str, ...],
        scales: Float32,
        lead: int,
        tick: int,
    ) -> None:
        self.avatar = avatar
        self.character = character
        self.row = row
        self.components = components
        self.scales = scales
        self.session = ""
        self.removed = False
        """It is off the stage; its row may be another's."""
        self.epoch = 0
        self.driver: stream_pb2.Driver = stream_pb2.DRIVER_IDLE
        self.failed = False
        """Sealing failed: nothing of this performer may go out any more."""
        self.timeline = VoiceTimeline()
        self.microphone: Microphone | None = None
        self.lips_ahead = 0
        """Samples by which the lip-sync listens ahead to the synthetic voice; 0: its phones are known."""
        self._origin = tick - tick % GRID
        self._lead = lead
        self.next_frame = (tick - self._origin) * SAMPLES_PER_FRAME
        self.next_block = max(0, (self.next_frame - lead) // BLOCK * BLOCK)
        self.sequence = 0

    def clock(self, stage_sample: int) -> int:
        """The media sample at a time of the stage."""
        return stage_sample - self._origin * SAMPLES_PER_FRAME

    @property
    def heard(self) -> int:
        """The media sample up to which the voice has been sent."""
        return self.next_block

    def frames_due(self, stage_sample: int, most: int = CATCH_UP) -> list[FrameJob]:
        """The frames whose time has come, or whose live sound has; takes them off the clock.

        most: frames at once, unless they are late.
        """
        clock, jobs, mic = self.clock(stage_sample), list[FrameJob](), self.microphone
        late = clock - most * SAMPLES_PER_FRAME - (PATIENCE if mic is not None else 0)
        while len(jobs) < CATCH_UP:
            if len(jobs) >= most and self.next_frame > late:
                break
            hop = None
            if mic is None:
                if self.next_frame > clock:
                    break
            elif mic.late(clock) or self._ready(mic, clock):
                hop = mic.take_hop()
            else:
                break
            first = self.next_frame
            text = self.timeline.read(first, SAMPLES_PER_FRAME)
            if self.lips_ahead:
                text, hop = None, self._overheard(first, hop)
            jobs.append(FrameJob(self, first, self.sequence, text, hop))
            self.next_frame += SAMPLES_PER_FRAME
            self.sequence = (self.sequence + 1) & 0xFFFFFFFF
        return jobs

    def sounding(self, stage_sample: int, frames: int) -> bool:
        """Whether so many frames could be made of live sound that is here."""
        mic = self.microphone
        return mic is not None and self._ready(mic, self.clock(stage_sample), frames)

    def _ready(self, mic: Microphone, clock: int, frames: int = 1) -> bool:
        return mic.ready(frames) and self.next_frame <= clock + AHEAD

    def behind(self, stage_sample: int) -> int:
        """Whole frames that should have been sent and were not."""
        return max(0, self.clock(stage_sample) - self.next_frame) // SAMPLES_PER_FRAME

    def block_due(self, stage_sample: int) -> bool:
        """Whether the next voice block's time has come.

        A block waits for its frames: where the machine is too slow, the sound is late with the face, never
        before it.
        """
        last = self.clock(stage_sample) - self._lead
        return self.next_block <= last and self.next_block + BLOCK <= self.next_frame

    def blocks_due(self, stage_sample: int, wanted: Wanted) -> list[VoiceJob]:
        """The voice blocks whose time has come; takes them off the clock."""
        jobs: list[VoiceJob] = []
        mic = self.microphone
        while self.block_due(stage_sample):
            if wanted:
                live = None
                if mic is not None and not mic.silent:
                    live = mic.read(self.next_block, BLOCK)
                text = self.timeline.read(self.next_block, BLOCK)
                jobs.append(VoiceJob(self, self.next_block, text, live, wanted))
            self.next_block += BLOCK
        self.timeline.forget(self.next_block)
        return jobs

    def _overheard(self, first: int, hop: Int16 | None) -> Int16:
        """The lip-sync's input where it has to listen to the synthetic voice, and perhaps to a live one."""
        text = self.timeline.read(first + self.lips_ahead - SAMPLES_PER_FRAME, SAMPLES_PER_FRAME)
        if text is None:
            return np.zeros(SAMPLES_PER_FRAME, np.int16) if hop is None else hop
        return text if hop is None else mix(text, hop)

    def cut(self) -> int:
        """Stop the synthetic voice within one block; the sample of the cut."""
        self.timeline.cut(self.next_block)
        return self.next_block
