"""What a benchmark's server uses, and where it listens."""

import os
import re
from pathlib import Path

from likeness.cli.bench.browser import ServedProcess
from likeness.errors import MachineError


def grpc_address(server: ServedProcess | None) -> str:
    """host:port of a server's gRPC, as it announced it."""
    found = re.search(r"^gRPC: (\S+)", server.log if server else "", re.MULTILINE)
    if found is None:
        raise MachineError("the server did not say where its gRPC listens.")
    return found.group(1)


def processor_seconds(pid: int | None) -> float:
    """Processor time that a process has used, in seconds; 0 where the system does not tell (needs /proc)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load_note() -> str:
    """How busy the machine was, for the note beside a figure."""
    try:
        return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    except OSError:
        return f"{os.cpu_count()} cores"
