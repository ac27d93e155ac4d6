"""Compile protos/ into server/likeness/v1 (generated, not committed)."""

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Write the *_pb2 modules; returns protoc's exit code."""
    out = ROOT / "server"
    (out / "likeness" / "v1").mkdir(parents=True, exist_ok=True)
    sources = sorted((ROOT / "protos").rglob("*.proto"))
    code = protoc.main(
        [
            "protoc",
            f"-I{ROOT / 'protos'}",
            f"-I{files('grpc_tools') / '_proto'}",
            f"--python_out={out}",
            f"--pyi_out={out}",
            f"--grpc_python_out={out}",
            *map(str, sources),
        ]
    )
    (out / "likeness" / "v1" / "__init__.py").write_text('"""Generated from protos/likeness/v1."""\n')
    return code


if __name__ == "__main__":
    sys.exit(main())
