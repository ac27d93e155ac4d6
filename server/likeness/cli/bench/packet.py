"""`likeness bench packet`: size of a frame, cost of layers and encoding for many performers at once."""

import math
import struct
import time
from collections.abc import Callable, Sequence
from functools import partial

import click
import numpy as np

from likeness.cli.bench.figure import Figure, at_most, print_figures
from likeness.head import FlameFrame, Hand, load_character, load_head
from likeness.head.frame import Float32
from likeness.performance import Frames, Troupe, encode_frame, encode_frames


@click.command()
@click.option("--ticks", default=600, show_default=True, help="Ticks measured for each number of performers.")
def packet(ticks: int) -> None:
    """Packet size; cost of layers and encoding.

    \b
    Example:
      likeness bench packet
    """
    if not print_figures("Packet and performance, CPU time", run(ticks)):
        raise SystemExit(1)


def run(ticks: int = 600) -> list[Figure]:
    """Measure sizes and costs: medians of CPU time, which a busy machine distorts least."""
    return [*_packet(), *_layers(ticks)]


def _packet() -> list[Figure]:
    hand = Hand(np.zeros(3, np.float32), np.array([0, 0, 0, 1], np.float32))
    full = FlameFrame(0, np.zeros(50, np.float32), hands=(hand, hand))
    size = len(encode_frame(full, 1, 0, np.ones(50, np.float32)))

    batch = _busy_frames(100)
    scales = np.full(50, 4 / 32767, np.float32)
    numbers = np.arange(100)

    def together() -> list[bytes]:
        return encode_frames(batch, numbers, numbers, scales)

    def naively() -> list[bytes]:
        return [_naive_encode(batch.frame(i), i, i, scales) for i in range(100)]

    fast, slow = _median(together, 300), _median(naively, 15)
    same = together() == naively()
    return [
        at_most("a frame: 50 components, head, both hands", size, 176, "B"),
        at_most("encode 100 frames at once", fast, 0.3, "ms"),
        Figure(
            "  the same, value by value with struct", slow, "ms", ok=same, note=f"{slow / fast:.0f} x as long"
        ),
    ]


def _layers(ticks: int) -> list[Figure]:
    character, head = load_character("plain"), load_head("open")
    limits = {50: 1.5, 100: 3.0}
    figures: list[Figure] = []
    for count in (1, 10, 50, 100):
        troupe = Troupe()
        rows = [troupe.add(character, head, seed) for seed in range(count)]
        times = _tick_times(troupe, rows, ticks, partial(troupe.step, np.array(rows)))
        cost = float(np.median(times))
        name = f"layers and rig, {count} performer{'s' if count > 1 else ''}"
        note = f"p99 {np.percentile(times, 99):.2f} ms"
        known = count in limits
        figures.append(
            at_most(name, cost, limits[count], "ms", note) if known else Figure(name, cost, "ms", note=note)
        )
        if count == 50:

            def one_by_one(sample: int, t: Troupe = troupe, r: Sequence[int] = rows) -> None:
                for row in r:
                    t.step([row], sample)

            alone = float(np.median(_tick_times(troupe, rows, max(ticks // 10, 5), one_by_one)))
            name = "  the same, one performer after another"
            figures.append(Figure(name, alone, "ms", note=f"{alone / cost:.0f} x as long"))
    return figures


def _tick_times(
    troupe: Troupe, rows: Sequence[int], ticks: int, step: Callable[[int], object]
) -> list[float]:
    """Milliseconds of each tick: all performers speak, half look at somebody, a third are tracked."""
    rng = np.random.default_rng(1)
    spoken = rng.uniform(0, 0.3, (16, len(rows), 52)).astype(np.float32)
    face = rng.uniform(0, 0.5, 52).astype(np.float32)
    voiced = np.ones(len(rows), np.bool_)
    for row in rows[::2]:
        troupe.set_listener(row, np.array([0.2, 0.05, 1.3], np.float32))
    times: list[float] = []
    warm = 30
    for tick in range(ticks + warm):
        if tick % 2 == 0:  # a camera at 30 frames a second
            for row in rows[::3]:
                troupe.set_tracked(row, face)
        start = time.process_time()
        troupe.set_speech(rows, spoken[tick % 16], voiced)
        step(tick * 800)
        times.append(1000 * (time.process_time() - start))
    return times[warm:]


def _busy_frames(count: int) -> Frames:
    rng = np.random.default_rng(0)
    frames = Frames.neutral(count, 50)
    frames.expression[:] = rng.uniform(-1, 1, (count, 50))
    for field in (
        frames.jaw,
        frames.neck,
        frames.head_rotation,
        frames.head_translation,
        frames.hand_position,
    ):
        field[:] = rng.uniform(-0.5, 0.5, field.shape)
    frames.eyes[:, :, :2] = rng.uniform(-0.3, 0.3, (count, 2, 2))
    frames.eyelids[:] = rng.uniform(0, 1, (count, 2))
    frames.has_hands[:] = True
    return frames


def _naive_encode(frame: FlameFrame, avatar: int, sequence: int, scales: Float32) -> bytes:
    """The layout of docs/protocol.md written down value by value."""
    angle = math.pi / 32767
    head = struct.pack(
        "<BBHHBBIIHBB", 1, frame.hands is not None, avatar, frame.epoch, len(scales), frame.driver, sequence,
        frame.sample & 0xFFFFFFFF, frame.sample >> 32, *(round(float(v) * 255) for v in frame.eyelids),
    )  # fmt: skip
    angles = [*frame.jaw, *frame.neck, *frame.eyes[0, :2], *frame.eyes[1, :2], *frame.head_rotation]
    body = struct.pack("<13h", *(_clip(float(a) / angle) for a in angles))
    body += struct.pack("<3h", *(_clip(float(v) * 2048) for v in frame.head_translation))
    body += b"".join(
        struct.pack("<h", _clip(float(v) / float(s))) for v, s in zip(frame.expression, scales, strict=True)
    )
    for hand in frame.hands or ():
        q = [float(v) for v in hand.rotation]
        largest = max(range(4), key=lambda k: abs(q[k]))
        sign = -1.0 if q[largest] < 0 else 1.0
        n = [round((sign * q[k] * math.sqrt(2) + 1) / 2 * 1023) for k in range(4) if k != largest]
        packed = largest << 30 | n[0] << 20 | n[1] << 10 | n[2]
        body += struct.pack("<3h", *(_clip(float(v) * 8192) for v in hand.position))
        body += struct.pack("<IBB", packed, round(hand.grip * 255), round(hand.pinch * 255))
    return head + body


def _clip(value: float) -> int:
    return min(max(round(value), -32768), 32767)


def _median(work: Callable[[], object], times: int) -> float:
    work()
    out: list[float] = []
    for _ in range(times):
        start = time.process_time()
        work()
        out.append(1000 * (time.process_time() - start))
    return float(np.median(out))
