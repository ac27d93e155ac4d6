"""Compiles the Unity package's assemblies with Mono's compiler, once a run."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "unity_client"
PROGRAMS = ROOT / "tests/unity/programs"
HTTP = Path("/usr/lib/mono/4.5/System.Net.Http.dll")
NUNIT = next(iter(sorted(Path("/usr/lib/cli").glob("nunit.framework-*/nunit.framework.dll"))), None)


@dataclass(frozen=True)
class Build:
    """Where the compiled assemblies lie."""

    folder: Path

    @property
    def core(self) -> Path:
        return self.folder / "Likeness.Core.dll"

    @property
    def tests(self) -> Path:
        return self.folder / "Likeness.Core.Tests.dll"


def compile_sources(
    output: Path,
    sources: list[Path],
    *references: Path | str,
    target: str = "library",
    defines: tuple[str, ...] = (),
) -> None:
    """Compile C# 7 sources; a warning is as bad as an error. References by path, or by name of Mono's own."""
    command = [
        "mcs",
        "-langversion:7",
        "-warnaserror",
        "-nowarn:649,414,169,1591,612,3021",
        f"-target:{target}",
        f"-out:{output}",
    ]
    command += [f"-define:{d}" for d in defines]
    command += [f"-r:{r}" for r in references] + [str(s) for s in sorted(sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def mono() -> None:
    """Skips, or fails where Mono is required, on a machine without it."""
    if all(shutil.which(t) for t in ("mcs", "mono", "nunit-console")) and NUNIT and HTTP.exists():
        return
    words = (
        "Mono is not here in full: apt install mono-mcs mono-runtime libnunit-cil-dev nunit-console "
        "libmono-system-net-http4.0-cil"
    )
    if os.environ.get("LIKENESS_REQUIRE_MONO") == "1":
        pytest.fail(words)
    pytest.skip(words)


@pytest.fixture(scope="session")
def build(mono, tmp_path_factory) -> Build:
    result = Build(tmp_path_factory.mktemp("unity"))
    compile_sources(result.core, list((PACKAGE / "Runtime/Core").glob("*.cs")))
    assert NUNIT is not None
    shutil.copy(NUNIT, result.folder)
    compile_sources(result.tests, list((PACKAGE / "Tests/Core").glob("*.cs")), result.core, NUNIT)
    return result
