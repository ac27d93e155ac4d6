"""Seats: where the avatars of a room are, the same for everybody, and how often one is seen from another.

The seats lie on rings round a common centre, each turned towards it; the front of the innermost ring is left
free for those who look on. Nobody moves when others come or go.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

INNER: Final = 1.5
"""Metres from the centre to the seats of the innermost ring."""
SECOND: Final = 3.3
"""The same of the second ring."""
STEP: Final = 1.2
"""Metres from each further ring to the next."""
GAP: Final = math.radians(36)
"""From seat to seat of the innermost ring; those behind look through between them."""
NEAR: Final = 3.2
"""Metres up to which one is seen at the full rate."""
FAR: Final = 10.0
"""Metres beyond which one is seen at a third of the rate; between both it is half."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the floor in scene space, metres, and the heading there: rad about y, 0 faces +z."""

    x: float
    z: float
    yaw: float

    def distance(self, other: "Place") -> float:
        """Metres to another place."""
        return math.hypot(self.x - other.x, self.z - other.z)


VIEWER: Final = Place(0.0, 2 * INNER, math.pi)
"""Where those stand who have no avatar, or look at their own."""


def place_of(seat: int) -> Place:
    """Where a seat is. Seat 0 is the scene's origin and faces +z, towards the viewer."""
    for ring, angles in _rings():
        if seat < len(angles):
            angle = angles[seat]
            return Place(ring * math.sin(angle), INNER - ring * math.cos(angle), -angle)
        seat -= len(angles)
    raise AssertionError("there are as many rings as are asked for")


def every(distance: float) -> int:
    """Of how many frames one is sent to somebody at a distance in metres: 1, 2 or 3 (60, 30, 20 a second)."""
    return 1 if distance <= NEAR else 2 if distance <= FAR else 3


def _rings() -> Iterator[tuple[float, list[float]]]:
    """Radius and angles of each ring, from the back (0) to both sides in turn."""
    yield INNER, [sign * k * GAP for k in range(5) for sign in ((1, -1) if k else (1,))]
    number = 1
    while True:
        # Behind the gaps of the ring before: two in a gap, then one, so that nobody hides anybody.
        parts = (1 / 3, 2 / 3) if number % 2 else (1 / 2,)
        angles = [(k + part) * GAP for k in range(4) for part in parts]
        yield SECOND + (number - 1) * STEP, [sign * angle for angle in angles for sign in (1, -1)]
        number += 1
