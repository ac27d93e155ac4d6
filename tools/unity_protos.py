"""Write the Unity client's C# messages from protos/ into unity_client/Runtime/Grpc/Generated.

Usage: python -m tools.unity_protos     (needs protoc: apt install protobuf-compiler)

The generated files are committed: whoever installs the package by its git URL has no protoc. The service's
methods are few and written by hand in LikenessService.cs.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = ROOT / "unity_client" / "Runtime" / "Grpc" / "Generated"


def main() -> int:
    """Generate; returns the exit code."""
    protoc = shutil.which("protoc")
    if protoc is None:
        print("There is no protoc here: apt install protobuf-compiler.", file=sys.stderr)
        return 1
    GENERATED.mkdir(parents=True, exist_ok=True)
    sources = [str(p) for p in sorted(PROTOS.glob("likeness/v1/*.proto"))]
    done = subprocess.run([protoc, f"-I{PROTOS}", f"--csharp_out={GENERATED}", *sources], check=False)
    if done.returncode:
        return done.returncode
    return subprocess.run([sys.executable, str(ROOT / "tools" / "unity_meta.py")], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
