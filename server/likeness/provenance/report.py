"""Report: the outcome of a verification, for people and for programs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """ok: everything holds; lines: what was found, in words, the verdict last."""

    ok: bool
    lines: tuple[str, ...]
