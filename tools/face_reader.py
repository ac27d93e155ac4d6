"""Learn to read a face: `python -m tools.face_reader` (forty minutes on two cores; goes on where it stopped).

Films people who do not exist: our own faces, each reshaped by a random identity, in another light, in mixed
expressions and turned; MediaPipe looks at the films (it runs in its own environment: `likeness track --setup`
first). Beside them stand heads as a perfect tracker would see them, which cost next to nothing. From both a
FaceReader is trained, tested on people it never saw, and written to server/likeness/tracking/face_reader.npz.
`plain` lends its face to nobody here: `likeness bench tracking` measures on it.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray

from likeness.cli.bench.face_camera import BARE, FaceCamera, Person
from likeness.cli.bench.face_script import Moment
from likeness.cli.bench.tracking import mesh_of, pictures_of
from likeness.cli.progress import progress_bar
from likeness.head import CONTROL_COUNT, CONTROL_INDEX, CONTROLS, load_head, mirrored
from likeness.head.character import load_character
from likeness.head.flame_numpy import BakedHead
from likeness.head.frame import Float32
from likeness.tracking.face_reader import (
    ACROSS,
    FILE,
    MM,
    PARTNERS,
    TERMS,
    TERMS_ACROSS,
    FaceReader,
    ReaderWeights,
    turn_terms,
)
from likeness.tracking.landmark_solver import LandmarkSolver
from likeness.tracking.landmarks import COUNT

# Without their beards: under one, corners of a mouth move otherwise, and nobody's smile is then read well.
FACES = ("woman", "man", "curie", "lovelace", "bach", "einstein", "douglass")
REST = 6
"""Pictures of the neutral face at a film's beginning; the first is a tracker's first guess."""
PICTURES = 60
_OFTEN = {
    "jawOpen": 0.55, "eyeBlink": 0.45, "mouthSmile": 0.6, "browInnerUp": 0.5, "mouthPucker": 0.45,
    "browDown": 0.35, "browOuterUp": 0.3, "mouthLowerDown": 0.25, "mouthUpperUp": 0.2, "mouthFrown": 0.25,
    "mouthStretch": 0.2, "mouthFunnel": 0.25, "eyeSquint": 0.25, "eyeWide": 0.25, "noseSneer": 0.25,
    "cheekPuff": 0.25, "tongueOut": 0.0,
}  # fmt: skip
_SELDOM = 0.12
_TURNS = ((0.5, 0.7), (0.3, 0.7), (0.2, 0.4))
"""Yaw, pitch and roll, rad, and how often."""
_CARE = {"mouthSmile": 16.0, "jawOpen": 3.0, "eyeBlink": 4.0, "browInnerUp": 3.0, "mouthPucker": 3.0}
"""What an error counts for; 1 for the rest. A smile is missed first, and is the hardest to read of these."""
_LEAST_R = 0.2
"""A control that is not read as well as this on strangers is left at rest."""
_HELD_OUT = 6
"""Every sixth person is a stranger."""
UNITS, STEPS, BATCH, RATE = 128, 4000, 256, 3e-3
NOISE_MM, GAIN = 0.6, 0.15
"""What training adds to landmarks, and by how much it stretches a face's movement along each axis."""

Signals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """Pictures with a face: moved [N,COUNT,3] mm, terms [N,TERMS], true controls [N,52], whose [N]."""

    moved: Float32
    terms: Float32
    controls: Float32
    person: NDArray[np.int64]


def walk_through(rng: np.random.Generator, count: int) -> list[Moment]:
    """Rest, then every control on its own way, the common ones more often; half of the people do less."""

    def walk(low: float, high: float, share: float, pictures: int = 3) -> Signals:
        knots = count // pictures + 2
        values = rng.uniform(low, high, knots) * (rng.random(knots) < share)
        return np.interp(np.arange(count) / pictures + rng.random(), np.arange(knots), values)

    values = np.zeros((count, CONTROL_COUNT), np.float32)
    lively = rng.choice([0.4, 1.0])
    for name in CONTROLS:
        bare = name.removesuffix("Left").removesuffix("Right")
        share = lively * _OFTEN.get(bare, _SELDOM)
        if bare + "Right" not in CONTROLS or bare in ("jaw", "mouth"):
            values[:, CONTROL_INDEX[name]] = walk(0, 1, share)
        elif name.endswith("Left"):
            both = walk(0, 1, share)
            for side in ("Left", "Right"):
                values[:, CONTROL_INDEX[bare + side]] = both * (1 - walk(0, 1, 0.3))
    values[:, CONTROL_INDEX["mouthClose"]] *= values[:, CONTROL_INDEX["jawOpen"]]
    for side in ("Left", "Right"):
        for one, other in (("mouthPucker", "mouthSmile"), ("browInnerUp", "browDown")):
            values[:, CONTROL_INDEX[other + side]] *= 1 - values[:, CONTROL_INDEX[one]]
    for one, other in (("mouthLeft", "mouthRight"), ("jawLeft", "jawRight")):
        values[:, CONTROL_INDEX[other]] *= values[:, CONTROL_INDEX[one]] < 0.05
    turns = np.stack([walk(-most, most, share, 5) for most, share in _TURNS], 1)
    values[:REST], turns[:REST] = 0, 0
    return [Moment("mixed", v, *map(float, turn)) for v, turn in zip(values, turns, strict=True)]


def stranger(rng: np.random.Generator, identities: int) -> Person:
    """Somebody who does not exist, in some light."""
    lights: list[tuple[Signals, float]] = []
    for towards, least, most in (((0.0, 0.3, 0.9), 0.4, 0.9), ((0.0, 0.0, 0.6), 0.0, 0.4)):
        way = rng.normal(0, 1, 3) * (0.6, 0.4, 0.1) + towards
        lights.append((way, float(rng.uniform(least, most))))
    identity = rng.normal(0, 0.9, identities).astype(np.float32)
    return Person(identity, rng.uniform(0.7, 1.15) * rng.uniform(0.9, 1.1, 3), lights)


def film(number: int, path: Path) -> None:
    """Person `number` is drawn, tracked and kept."""
    rng = np.random.default_rng([1, number])
    character = FACES[number % len(FACES)]
    person = stranger(rng, len(load_character(character).identity))
    camera = FaceCamera(character, frame=float(rng.uniform(0.26, 0.36)), without=BARE, person=person)
    moments = walk_through(rng, PICTURES)
    frames = pictures_of(camera, moments)
    _keep(path, moments, [frame.points for frame in frames[:PICTURES]])


def model(number: int, path: Path) -> None:
    """Person `number` as a perfect tracker sees the open head in their shape."""
    rng = np.random.default_rng([2, number])
    head = load_head("open")
    baked = BakedHead(head.model, rng.normal(0, 1.1, head.model.identity_count).astype(np.float32))
    away = float(rng.uniform(0.45, 0.9))
    moments = walk_through(rng, PICTURES)
    _keep(path, moments, [mesh_of(head, baked, moment, away) for moment in moments])


def _keep(path: Path, moments: Sequence[Moment], points: Sequence[Float32 | None]) -> None:
    found = [i for i, p in enumerate(points) if p is not None]
    kept = np.stack([p for p in points if p is not None]) if found else np.zeros((0, COUNT, 3), np.float32)
    controls = np.stack([m.controls for m in moments])[found]
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, points=kept, picture=np.array(found, np.int64), controls=controls)
    part.replace(path)


def seen(paths: Sequence[Path]) -> Seen:
    """What moved in each film, from its own neutral face."""
    solver = LandmarkSolver(load_head("open"), _silent())
    rows: list[tuple[Float32, Float32, Float32, NDArray[np.int64]]] = []
    for number, path in enumerate(paths):
        with np.load(path) as stored:
            points, picture, controls = stored["points"], stored["picture"], stored["controls"]
        resting = (picture > 0) & (picture < REST)
        if resting.sum() < 3:
            continue
        alone = solver.solve(points[resting])
        own, rest = np.median(alone.aligned, 0), np.median(alone.rotation, 0)
        solved = solver.solve(points, np.repeat(own[None], len(points), 0))
        terms = turn_terms(solved.rotation) - turn_terms(rest[None])
        rows.append((solved.aligned - own, terms, controls, np.full(len(points), number)))
    moved, terms, controls, person = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Seen(moved, terms, controls, person)


def _silent() -> FaceReader:
    """Reads nothing: the landmarks are only laid over one another."""
    size = 3 * COUNT
    shapes = ((TERMS, size), (size, 1), (1, 1), (1, 0), (size, 0), (TERMS, 1), (TERMS, 1))
    return FaceReader(
        ReaderWeights(np.zeros(0, np.int64), *(np.zeros(shape, np.float32) for shape in shapes))
    )


class Network(torch.nn.Module):
    """FaceReader's network, see there."""

    def __init__(self, controls: int) -> None:
        super().__init__()

        def linear(inputs: int, outputs: int, still: bool = False) -> torch.nn.Linear:
            layer = torch.nn.Linear(inputs, outputs, bias=False)
            if still:
                torch.nn.init.zeros_(layer.weight)
            return layer

        size = 3 * COUNT
        self.leak = linear(TERMS, size, still=True)
        self.first, self.second = linear(size, UNITS), linear(UNITS, UNITS)
        self.last = linear(UNITS, controls)
        self.direct = linear(size, controls, still=True)
        self.gate_first, self.gate_second = linear(TERMS, UNITS, still=True), linear(TERMS, UNITS, still=True)

    def forward(self, moved: torch.Tensor, terms: torch.Tensor) -> torch.Tensor:
        """[N,K] of [N,F] in units of 4 mm and [N,TERMS]."""
        own = moved - self.leak(terms)
        units = torch.relu(self.first(own)) * torch.relu(1 + self.gate_first(terms))
        units = torch.relu(self.second(units)) * torch.relu(1 + self.gate_second(terms))
        return self.last(units) + self.direct(own)


def train(films: Seen, models: Seen, names: Sequence[str], known: tuple[NDArray[np.bool_], ...]) -> Network:
    """Learn from the known pictures of both; every other batch in a mirror."""
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    columns = [CONTROL_INDEX[name] for name in names]
    swapped = [names.index(mirrored(name)) for name in names]
    care = torch.tensor([_CARE.get(n.removesuffix("Left").removesuffix("Right"), 1.0) for n in names])
    network = Network(len(names))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS + 1)
    rows = [np.flatnonzero(k) for k in known]
    shares = (BATCH - BATCH // 4, BATCH // 4)
    with progress_bar("learning") as done:
        for step in range(STEPS):
            batch = [rng.choice(r, n) for r, n in zip(rows, shares, strict=True)]
            parts = list(zip((films, models), batch, strict=True))
            moved = MM * np.concatenate([s.moved[i] for s, i in parts])
            moved = moved * (1 + GAIN * rng.normal(size=(BATCH, 1, 3)))
            moved += NOISE_MM * MM * rng.normal(size=moved.shape)
            terms = np.concatenate([s.terms[i] for s, i in parts])
            true = torch.tensor(np.concatenate([s.controls[i] for s, i in parts])[:, columns])
            if step % 2:
                moved, terms, true = moved[:, PARTNERS] * ACROSS, terms * TERMS_ACROSS, true[:, swapped]
            told = network(torch.tensor(moved.reshape(BATCH, -1)).float(), torch.tensor(terms).float())
            # Beyond rest and the most there is nothing to tell apart, but also nowhere to run off to.
            off = (told.clamp(-0.2, 1.2) - true) ** 2 + 0.1 * (told - true) ** 2
            optimizer.zero_grad()
            (off * care).mean().backward()  # pyright: ignore[reportUnknownMemberType]
            optimizer.step()
            schedule.step()
            done((step + 1) / STEPS)
    return network


def told(network: Network, some: Seen, names: Sequence[str]) -> Float32:
    """[N,K]: the mean of what is said of the faces and of their mirror images."""
    swapped = [names.index(mirrored(name)) for name in names]

    def says(moved: Float32, terms: Float32) -> Float32:
        return network(torch.tensor(MM * moved.reshape(len(moved), -1)), torch.tensor(terms)).numpy()

    with torch.no_grad():
        across = says(some.moved[:, PARTNERS] * ACROSS, some.terms * TERMS_ACROSS)[:, swapped]
        return np.clip(0.5 * (says(some.moved, some.terms) + across), 0, 1)


def correlations(
    network: Network, some: Seen, names: Sequence[str], rows: NDArray[np.bool_]
) -> dict[str, float]:
    """Pearson's r of each control, both sides of a paired one together, on some pictures."""
    said = told(network, some, names)[rows]
    true = some.controls[rows][:, [CONTROL_INDEX[name] for name in names]]
    pairs: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        bare = name.removesuffix("Left").removesuffix("Right")
        pairs.setdefault(name if bare in ("jaw", "mouth") else bare, []).append(k)
    found: dict[str, float] = {}
    for columns in pairs.values():
        r = float(np.corrcoef(said[:, columns].ravel(), true[:, columns].ravel())[0, 1])
        found |= {names[k]: r for k in columns}
    return found


@click.command(help=__doc__)
@click.option("--people", default=1000, show_default=True, help="how many are filmed")
@click.option("--models", "shapes", default=200, show_default=True, help="how many are seen perfectly")
@click.option("--work", type=click.Path(path_type=Path), default=Path("build/face_reader"), show_default=True)
def main(people: int, shapes: int, work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    filmed = [work / f"film{number:04}.npz" for number in range(people)]
    shaped = [work / f"model{number:04}.npz" for number in range(shapes)]
    todo = [(film, n, p) for n, p in enumerate(filmed) if not p.exists()]
    todo += [(model, n, p) for n, p in enumerate(shaped) if not p.exists()]
    with ProcessPoolExecutor(2) as pool, progress_bar("filming") as done:
        for count, waiting in enumerate([pool.submit(make, n, p) for make, n, p in todo]):
            waiting.result()
            done((count + 1) / len(todo))
    films, models = seen(filmed), seen(shaped)
    known = tuple(s.person % _HELD_OUT != 0 for s in (films, models))
    names = [n for n in CONTROLS if not n.startswith("eyeLook") and n != "tongueOut"]
    strangers = correlations(train(films, models, names, known), films, names, ~known[0])
    print("Pearson's r on strangers, as MediaPipe sees them:")
    for name, r in sorted(strangers.items(), key=lambda pair: -pair[1]):
        print(f"  {name:16} {r:5.2f}{'' if r >= _LEAST_R else '  (left at rest)'}")
    readable = [k for k, name in enumerate(names) if strangers[name] >= _LEAST_R]
    # What is kept has learned from everybody.
    network = train(films, models, names, tuple(np.ones_like(k) for k in known))
    arrays = {name.removesuffix(".weight"): w.detach().numpy().T for name, w in network.named_parameters()}
    arrays |= {name: arrays[name][:, readable] for name in ("last", "direct")}
    kept: dict[str, NDArray[Any]] = {name: array.astype(np.float16) for name, array in arrays.items()}
    kept["controls"] = np.array([CONTROL_INDEX[names[k]] for k in readable])
    np.savez_compressed(FILE, **kept)  # pyright: ignore[reportArgumentType]
    print(f"{FILE}: {FILE.stat().st_size} bytes, {sum(a.size for a in arrays.values())} numbers")


if __name__ == "__main__":
    sys.exit(main())
