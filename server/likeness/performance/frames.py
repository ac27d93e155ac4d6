"""Frames: one FlameFrame for each of many performers, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from likeness.head.controls import CONTROL_COUNT
from likeness.head.frame import FlameFrame, Float32, Hand


@dataclass(frozen=True, slots=True)
class Frames:
    """N instants, one a row; the meaning and units of each field are FlameFrame's.

    `expression` is [N, E] with E the largest number of components; row i uses its first `components[i]`.
    """

    sample: NDArray[np.int64]
    components: NDArray[np.int64]
    expression: Float32
    eyelids: Float32
    jaw: Float32
    neck: Float32
    eyes: Float32
    head_rotation: Float32
    head_translation: Float32
    controls: Float32
    voiced: NDArray[np.bool_]
    tracked: NDArray[np.bool_]
    ended: NDArray[np.bool_]
    """The last frame of a performance."""
    epoch: NDArray[np.int64]
    driver: NDArray[np.int64]
    has_hands: NDArray[np.bool_]
    hand_position: Float32
    """[N, 2, 3] left, right, relative to the head's translation."""
    hand_rotation: Float32
    """[N, 2, 4] unit quaternions x, y, z, w."""
    hand_grip: Float32
    """[N, 2] grip."""
    hand_pinch: Float32

    def __len__(self) -> int:
        return len(self.sample)

    def frame(self, i: int) -> FlameFrame:
        """Row `i` on its own."""
        hands = None
        if self.has_hands[i]:
            left, right = (
                Hand(
                    self.hand_position[i, side],
                    self.hand_rotation[i, side],
                    float(self.hand_grip[i, side]),
                    float(self.hand_pinch[i, side]),
                )
                for side in (0, 1)
            )
            hands = (left, right)
        return FlameFrame(
            sample=int(self.sample[i]),
            expression=self.expression[i, : self.components[i]],
            eyelids=self.eyelids[i],
            jaw=self.jaw[i],
            neck=self.neck[i],
            eyes=self.eyes[i],
            head_rotation=self.head_rotation[i],
            head_translation=self.head_translation[i],
            controls=self.controls[i],
            hands=hands,
            voiced=bool(self.voiced[i]),
            tracked=bool(self.tracked[i]),
            epoch=int(self.epoch[i]),
            driver=int(self.driver[i]),
        )

    @staticmethod
    def neutral(count: int, components: int) -> "Frames":
        """`count` faces at rest with `components` expression components, at sample 0."""

        def zeros(*shape: int) -> Float32:
            return np.zeros((count, *shape), np.float32)

        rotation = zeros(2, 4)
        rotation[..., 3] = 1.0
        return Frames(
            sample=np.zeros(count, np.int64),
            components=np.full(count, components, np.int64),
            expression=zeros(components),
            eyelids=zeros(2),
            jaw=zeros(3),
            neck=zeros(3),
            eyes=zeros(2, 3),
            head_rotation=zeros(3),
            head_translation=zeros(3),
            controls=zeros(CONTROL_COUNT),
            voiced=np.zeros(count, np.bool_),
            tracked=np.zeros(count, np.bool_),
            ended=np.zeros(count, np.bool_),
            epoch=np.zeros(count, np.int64),
            driver=np.zeros(count, np.int64),
            has_hands=np.zeros(count, np.bool_),
            hand_position=zeros(2, 3),
            hand_rotation=rotation,
            hand_grip=zeros(2),
            hand_pinch=zeros(2),
        )

    @staticmethod
    def joined(parts: Sequence["Frames"]) -> "Frames":
        """The rows of several, one after another; all must have the same number of components."""
        return Frames(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Frames)))

    @staticmethod
    def of(frame: FlameFrame, ended: bool = False) -> "Frames":
        """One frame as a batch of one."""
        batch = Frames.neutral(1, len(frame.expression))
        batch.sample[0] = frame.sample
        batch.expression[0] = frame.expression
        batch.eyelids[0] = frame.eyelids
        batch.jaw[0] = frame.jaw
        batch.neck[0] = frame.neck
        batch.eyes[0] = frame.eyes
        batch.head_rotation[0] = frame.head_rotation
        batch.head_translation[0] = frame.head_translation
        batch.controls[0] = frame.controls
        batch.voiced[0] = frame.voiced
        batch.tracked[0] = frame.tracked
        batch.ended[0] = ended
        batch.epoch[0] = frame.epoch
        batch.driver[0] = frame.driver
        if frame.hands is not None:
            batch.has_hands[0] = True
            for side, hand in enumerate(frame.hands):
                batch.hand_position[0, side] = hand.position
                batch.hand_rotation[0, side] = hand.rotation
                batch.hand_grip[0, side] = hand.grip
                batch.hand_pinch[0, side] = hand.pinch
        return batch
