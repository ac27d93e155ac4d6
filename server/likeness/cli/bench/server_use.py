"""What a benchmark's server uses, and where it listens."""

import os
import re
from pathlib import Path
from typing import Final

from likeness.cli.bench.browser import ServedProcess
from likeness.errors import MachineError


def grpc_address(server: ServedProcess | None) -> str:
    """host:port of a server's gRPC, as it announced it."""
    found = re.search(r"^gRPC: (\S+)", server.log if server else "", re.MULTILINE)
    if found is None:
        raise MachineError("the server did not say where its gRPC listens.")
    return found.group(1)


def processor_seconds(pid: int | None) -> float:
    """Processor time that a process and its children have used, in seconds; 0 where there is no /proc."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if stat.parent.name == str(pid) or fields[1] == str(pid):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def load_note() -> str:
    """How busy the machine was, for the note beside a figure; and what its host took from it for others since
    this program began, where that is a machine among many.
    """
    try:
        note = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    except OSError:
        note = f"{os.cpu_count()} cores"
    passed, stolen = (now - before for now, before in zip(_host_ticks(), _BEGAN, strict=True))
    return f"{note}; its host took {100 * stolen / passed:.0f} % of them" if stolen > 0.005 * passed else note


def _host_ticks() -> tuple[int, int]:
    """Ticks of all cores since the machine began, and how many its host took from them; see proc(5)."""
    try:
        ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return 0, 0
    return sum(ticks), ticks[7] if len(ticks) > 7 else 0


_BEGAN: Final = _host_ticks()
