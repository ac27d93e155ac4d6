"""Handles: displacements given at a few landmarks, spread over the cage by a biharmonic solve."""

from collections.abc import Iterable, Mapping

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sl

from tools.head.cage import Cage
from tools.head.falloff import Array
from tools.head.topology import bilaplacian

Move = tuple[float, float, float]
Moves = Mapping[int, Move]


class HandleSolver:
    """Spreads handle moves over one cage; the body never moves."""

    def __init__(self, cage: Cage) -> None:
        self._energy = bilaplacian(cage.faces, len(cage.vertices), cage.vertices)
        self._body = {int(i) for i in cage.head_rings[2:].ravel()}
        self._count = len(cage.vertices)

    def solve(self, moves: Moves, still: Iterable[int] = (), stiffness: float = 3e-4) -> Array:
        """Displacement [C,3] mm that meets `moves`, holds `still`, and bends least elsewhere."""
        held = np.array(sorted(set(moves) | set(still) | self._body))
        out = np.zeros((self._count, 3))
        for i, move in moves.items():
            out[i] = move
        free = np.setdiff1d(np.arange(self._count), held)
        system = (self._energy[free][:, free] + stiffness * sp.eye(len(free))).tocsc()
        out[free] = sl.spsolve(system, -(self._energy[free][:, held] @ out[held]))
        return out
