"""`likeness bench seal`: what sealing and logging cost."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from likeness.cli.bench.figure import Figure, at_most, print_figures

_WARM: int = 20


def run(chunks: int = 2000, entries: int = 500, folder: Path | None = None) -> list[Figure]:
    """Seal chunks of 6 packets of 176 bytes; append entries to a new ledger, one by one and 32 at once;
    and the disk's own fsync. `folder`: on the disk to use (default: the data folder's).
    """
    with tempfile.TemporaryDirectory(prefix="bench-", dir=_disk(folder)) as name:
        return [*_seals(chunks), *_ledger(Path(name), entries), *_take()]


def _disk(folder: Path | None) -> Path:
    from likeness.head import data_dir

    where = folder or data_dir()
    while not where.is_dir():
        where = where.parent
    return where


def _seals(chunks: int) -> list[Figure]:
    from likeness.provenance import Sealer, SessionKey, verify_seal
    from likeness.provenance.keys import ServerKey
    from likeness.v1 import stream_pb2

    random = np.random.default_rng(1)
    key = SessionKey.generate()
    sealer = Sealer("01JD3QZX5T0000000000000000", 1, key)
    packets = [random.bytes(176) for _ in range(6)]
    seals: list[stream_pb2.Seal] = []
    times: list[float] = []
    worked: list[float] = []
    for chunk in range(chunks + _WARM):
        began, busy = time.perf_counter(), time.thread_time()
        for place, packet in enumerate(packets):
            seal = sealer.add(6 * chunk + place, packet)
            if seal is not None:
                seals.append(seal)
        worked.append(time.thread_time() - busy)
        times.append(time.perf_counter() - began)
    with tempfile.TemporaryDirectory() as name:
        certificate = ServerKey.load_or_create(Path(name)).certify(
            "01JD3QZX5T0000000000000000", key.public_bytes
        )
    checks: list[float] = []
    for chunk, seal in enumerate(seals[:500]):
        began = time.perf_counter()
        verify_seal(seal, certificate, {6 * chunk + place: packet for place, packet in enumerate(packets)})
        checks.append(time.perf_counter() - began)
    p50, p99 = _ms(times[_WARM:])
    return [
        Figure("seal a 100 ms chunk, p50", p50, "ms"),
        at_most("seal a 100 ms chunk, p99", p99, 0.5, "ms", "6 packets hashed, 1 signature"),
        Figure(
            "of that processor time, p99", _ms(worked[_WARM:])[1], "ms", note="the rest waited for a core"
        ),
        Figure("verify it, p50", _ms(checks)[0], "ms"),
        Figure("its size", float(len(seals[0].SerializeToString())), "B"),
    ]


def _ledger(folder: Path, entries: int) -> list[Figure]:
    from likeness.provenance import Ledger, LedgerEntry, ServerKey, verify_ledger

    entry = LedgerEntry("01JD3QZX5T0000000000000000", "said", {"sha256": "0" * 64, "length": 40})
    path = folder / "ledger.sqlite"
    appends: list[float] = []
    syncs: list[float] = []
    with (
        Ledger.open(path, ServerKey.load_or_create(folder)) as ledger,
        (folder / "plain").open("wb") as plain,
    ):
        for _ in range(entries + _WARM):
            began = time.perf_counter()
            ledger.append(entry)
            appends.append(time.perf_counter() - began)
            plain.write(bytes(4096))
            plain.flush()
            began = time.perf_counter()
            os.fsync(plain.fileno())
            syncs.append(time.perf_counter() - began)

        async def together() -> float:
            began = time.perf_counter()
            for _ in range(20):
                await asyncio.gather(*(ledger.append_async(entry) for _ in range(32)))
            return (time.perf_counter() - began) / 640

        shared = asyncio.run(together())
        size = ledger.size
    began = time.perf_counter()
    report = verify_ledger(path)
    verified = time.perf_counter() - began
    p50, p99 = _ms(appends[_WARM:])
    disk50, disk99 = _ms(syncs[_WARM:])
    return [
        Figure("append to the ledger, p50", p50, "ms"),
        at_most(
            "append to the ledger with fsync, p99", p99, 5.0, "ms", "entry, tree nodes, signed checkpoint"
        ),
        Figure("the disk's own fsync of 4 KiB beside it, p50", disk50, "ms"),
        Figure("the disk's own fsync of 4 KiB beside it, p99", disk99, "ms"),
        Figure("append, 32 writers at once, each", 1000 * shared, "ms", note="they share one fsync"),
        Figure(f"verify {size} entries", verified, "s", ok=report.ok),
    ]


def _take() -> list[Figure]:
    from likeness.provenance.take_digest import ArrayShape, digest_take

    frames = 3600
    shapes = {
        "sample": ArrayShape("<i8", 8, (frames,)),
        "controls": ArrayShape("<f4", 4, (frames, 52)),
        "expression": ArrayShape("<f4", 4, (frames, 50)),
        "voice": ArrayShape("<i2", 2, (frames * 800,)),
    }
    began = time.perf_counter()
    _, digests = digest_take(shapes, lambda name, start, stop: bytes(shapes[name].row_bytes * (stop - start)))
    count = sum(1 for _ in digests)
    return [Figure("hash a minute of a take", time.perf_counter() - began, "s", note=f"{count} frames")]


def _ms(seconds: list[float]) -> tuple[float, float]:
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return float(p50), float(p99)


@click.command()
@click.option("--chunks", default=2000, show_default=True, help="Chunks of 100 ms to seal.")
@click.option("--entries", default=500, show_default=True, help="Ledger entries to append one by one.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Measure this disk; default: the data folder's."
)
def seal(chunks: int, entries: int, folder: Path | None) -> None:
    """Sealing a chunk; appending to the ledger, with fsync, beside the disk's own.

    \b
    Example:
      likeness bench seal --folder /var/lib/likeness
    """
    if not print_figures("Sealing and logging", run(chunks, entries, folder)):
        raise click.exceptions.Exit(1)
