"""The package's gRPC transport, generated messages and calls in a real server's room.

Mono has no HTTP/2, and Google.Protobuf is on no index that this project uses, so this runs only where both
are given: LIKENESS_DOTNET, a folder with `dotnet` 3.1 or later (the wheel dotnetcore2 has one in its
bin), and LIKENESS_PROTOBUF, a Google.Protobuf.dll of 3.10 or later (the wheel nimbusml 1.8.0 has
one). In place of Grpc.Net.Client and YetAnotherHttpHandler stands programs/rpc/HttpChannel.cs.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from likeness.cli.bench.browser import start_server
from tests.unity.conftest import PACKAGE, PROGRAMS, ROOT

pytestmark = pytest.mark.mono


@pytest.fixture(scope="module")
def program(mono, tmp_path_factory) -> list[str]:
    """Compiles Rpc.dll for .NET; the command that runs it."""
    dotnet, protobuf = os.environ.get("LIKENESS_DOTNET"), os.environ.get("LIKENESS_PROTOBUF")
    if not (dotnet and protobuf):
        pytest.skip("LIKENESS_DOTNET and LIKENESS_PROTOBUF name no .NET runtime and Google.Protobuf.dll")
    framework = sorted(Path(dotnet).glob("shared/Microsoft.NETCore.App/*"))[-1]
    folder = tmp_path_factory.mktemp("rpc")
    shutil.copy(protobuf, folder)
    (folder / "Rpc.runtimeconfig.json").write_text(
        json.dumps(
            {
                "runtimeOptions": {
                    "framework": {"name": "Microsoft.NETCore.App", "version": framework.name},
                    "configProperties": {"System.Globalization.Invariant": True},
                }
            }
        )
    )
    runtime = PACKAGE / "Runtime"
    sources = [
        *(runtime / "Core").glob("*.cs"),
        *(runtime / "Grpc" / f"{name}.cs" for name in ("RpcMessages", "GrpcTransport", "LikenessService")),
        *(runtime / "Grpc/Generated").glob("*.cs"),
        ROOT / "tests/unity/stubs_optional/GrpcCoreApi.cs",
        *(PROGRAMS / "rpc").glob("*.cs"),
    ]
    libraries = [
        p
        for p in framework.glob("*.dll")
        if p.name.startswith(("System", "netstandard", "Microsoft.Win32"))
        and not any(word in p.name for word in ("Native", "WindowsRuntime"))
    ]
    command = [
        "mcs",
        "-langversion:7",
        "-nostdlib",
        "-noconfig",
        "-define:GOOGLE_PROTOBUF_REFSTRUCT_COMPATIBILITY_MODE",
        "-nowarn:1701,1702,1591,612,3021,649,414,169,436",
        f"-out:{folder / 'Rpc.dll'}",
        f"-r:{protobuf}",
        *(f"-r:{p}" for p in libraries),
        *map(str, sources),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [str(Path(dotnet) / "dotnet"), str(folder / "Rpc.dll")]


def test_a_session_over_grpc(program, tmp_path) -> None:
    server = start_server(tmp_path)
    try:
        address = next(line for line in server.log.splitlines() if line.startswith("gRPC: "))
        url = f"http://{address.removeprefix('gRPC: ').split()[0]}"
        found = run(program, url, "14")
        refused = run(program, url, "20", "nobody")
    finally:
        server.stop()
    assert found["characters"] >= 3, found
    assert found["received"] > 200, found
    assert found["malformed"] == 0, found
    assert found["speechStarted"] == found["speechFinished"] == 1, found
    assert found["loudest"] > 0.05, found
    assert found["sealed"] > 100, found
    assert found["sealProblem"] == "", found
    assert found["mark"] == "GEN - Plain - driven by: voice", found
    assert refused["ended"].startswith("no character 'nobody'"), refused


def test_a_grpc_server_that_is_away_is_named(program) -> None:
    found = run(program, "http://127.0.0.1:9", "3")
    assert found["problem"].startswith("no Likeness server answers gRPC at 127.0.0.1:9"), found


def run(program: list[str], *arguments: str) -> dict:
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])
