"""How well lip closures match the p, b and m that were said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.speech.articulation import BILABIAL, FRAME, RATE, TimedPhone, ipa_classes, shut

Span = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over recordings; scores add up with `+`."""

    said: int = 0
    shown: int = 0
    said_hit: int = 0
    shown_hit: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.said + other.said,
            self.shown + other.shown,
            self.said_hit + other.said_hit,
            self.shown_hit + other.shown_hit,
        )

    @property
    def recall(self) -> float:
        """Share of the closures said that were shown."""
        return self.said_hit / self.said if self.said else 0.0

    @property
    def precision(self) -> float:
        """Share of the closures shown that were said."""
        return self.shown_hit / self.shown if self.shown else 0.0

    @property
    def f(self) -> float:
        """Harmonic mean of recall and precision."""
        total = self.recall + self.precision
        return 2 * self.recall * self.precision / total if total else 0.0


def closures_said(phones: Sequence[TimedPhone]) -> list[Span]:
    """The spans during which p, b and m hold the lips shut; closures that touch (as in "submit") are one."""
    return merge_closures(
        (name, phone.start / RATE, phone.end / RATE) for phone in phones for name in ipa_classes(phone.phone)
    )


def merge_closures(classes: Iterable[tuple[str, float, float]]) -> list[Span]:
    """As `closures_said`, from (class, start, end) in seconds."""
    spans: list[Span] = []
    for name, start, end in classes:
        if name not in BILABIAL:
            continue
        first, last = shut(name, round(start * RATE), round(end * RATE))
        if spans and first / RATE - spans[-1][1] < 0.03:
            spans[-1] = (spans[-1][0], last / RATE)
        else:
            spans.append((first / RATE, last / RATE))
    return spans


def closures_shown(shut_frames: NDArray[np.bool_]) -> list[Span]:
    """The spans of shut lips in 60 Hz frames; each frame stands for the time around its instant."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], shut_frames, [False])).astype(np.int8)))
    half = FRAME / RATE / 2
    starts, ends = edges[::2], edges[1::2] - 1
    return [(a * 2 * half - half, b * 2 * half + half) for a, b in zip(starts, ends, strict=True)]


def tolerant(
    said: Sequence[Span], shown: Sequence[Span], pauses: Sequence[Span] = (), slack: float = 0.04
) -> Score:
    """Closures within `slack` seconds of each other; what is shown wholly in a pause is not held against
    it.
    """
    said_hit = sum(any(_near(a, b, slack) for b in shown) for a in said)
    shown_hit = sum(any(_near(b, a, slack) for a in said) for b in shown)
    excused = sum(
        not any(_near(b, a, slack) for a in said) and any(p[0] <= b[0] and b[1] <= p[1] for p in pauses)
        for b in shown
    )
    return Score(len(said), len(shown) - excused, said_hit, shown_hit)


def strict(said: Sequence[Span], shown: Sequence[Span], slack: float = 0.02) -> Score:
    """One closure shown for each one said, within `slack` seconds, pauses included."""
    hits, k = 0, 0
    for a in said:
        while k < len(shown) and shown[k][1] < a[0] - slack:
            k += 1
        if k < len(shown) and _near(a, shown[k], slack):
            hits += 1
            k += 1
    return Score(len(said), len(shown), hits, hits)


def _near(a: Span, b: Span, slack: float) -> bool:
    return a[0] - slack <= b[1] and b[0] <= a[1] + slack
