"""VoiceChoice: whose voices a room hears when many people speak at once."""

from collections.abc import Iterable, Mapping
from typing import Final

MOST: Final = 4
"""Voices at once, beside those of moderators."""
HOLD: Final = 2.0
"""Seconds that a voice keeps its place after it fell silent: people breathe."""
STAY: Final = 1.0
"""Seconds that it keeps its place against a louder one."""
LOUDER: Final = 2.0
"""How much louder another has to be to take its place, 6 dB."""


class VoiceChoice:
    """The loudest few, with hysteresis: nobody is cut off in a word because somebody else breathes.

    Voices are known by their session's id; times are seconds, loudness is any linear measure, 0: silent.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._heard: dict[str, float] = {}

    @property
    def chosen(self) -> Iterable[str]:
        """Who is heard, whether or not they sound just now."""
        return self._since

    def update(self, now: float, loudness: Mapping[str, float]) -> None:
        """Choose anew. `loudness` of everyone who may speak here; who is not in it has left."""
        since, heard = self._since, self._heard
        for id in list(since):
            if loudness.get(id, 0.0) > 0:
                heard[id] = now
            if id not in loudness or now - heard[id] > HOLD:
                del since[id], heard[id]
        waiting = [id for id, level in loudness.items() if level > 0 and id not in since]
        for id in sorted(waiting, key=lambda id: -loudness[id]):
            if len(since) >= MOST:
                quietest = min(since, key=lambda other: loudness[other])
                if now - since[quietest] < STAY or loudness[id] <= LOUDER * loudness[quietest]:
                    break
                del since[quietest], heard[quietest]
            since[id] = heard[id] = now
