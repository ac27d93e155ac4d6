"""FlameFrame: one instant of one performer's face, head and hands."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

SAMPLE_RATE: Final = 48_000
FRAME_RATE: Final = 60
SAMPLES_PER_FRAME: Final = SAMPLE_RATE // FRAME_RATE


def _zeros(*shape: int) -> Float32:
    return np.zeros(shape, np.float32)


@dataclass(frozen=True, slots=True)
class Hand:
    """A hand in scene space.

    position: [3] m relative to the head's translation; rotation: unit quaternion [4] x, y, z, w;
    grip, pinch: 0..1.
    """

    position: Float32
    rotation: Float32
    grip: float = 0.0
    pinch: float = 0.0


@dataclass(frozen=True, slots=True)
class FlameFrame:
    """One instant. Angles are axis-angle in radians, lengths metres, y up, face towards +z."""

    sample: int
    """Media clock: index at 48 kHz of the sound this face belongs to."""
    expression: Float32
    """psi [E], E <= 100."""
    eyelids: Float32 = field(default_factory=lambda: _zeros(2))
    """[2] left, right; 1 = closed."""
    jaw: Float32 = field(default_factory=lambda: _zeros(3))
    neck: Float32 = field(default_factory=lambda: _zeros(3))
    eyes: Float32 = field(default_factory=lambda: _zeros(2, 3))
    """[2,3] left, right."""
    head_rotation: Float32 = field(default_factory=lambda: _zeros(3))
    head_translation: Float32 = field(default_factory=lambda: _zeros(3))
    controls: Float32 = field(default_factory=lambda: _zeros(52))
    """The controls that produced the frame; not on the wire, kept in takes."""
    hands: tuple[Hand, Hand] | None = None
    voiced: bool = False
    tracked: bool = False
    epoch: int = 0
    driver: int = 0
    """likeness.v1.Driver."""
