"""The engine-free core of the Unity client passes its own tests on Mono; the rest compiles."""

import os
import subprocess
import xml.etree.ElementTree as ET

import pytest

from tests.unity.conftest import PACKAGE, ROOT, compile_sources

pytestmark = pytest.mark.mono


def test_nunit_tests_of_the_core_pass(build, tmp_path) -> None:
    result = tmp_path / "result.xml"
    done = subprocess.run(
        ["nunit-console", "-nologo", "-noshadow", f"-xml:{result}", str(build.tests)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "LIKENESS_VECTORS": str(ROOT / "protos" / "vectors")},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = ET.parse(result).getroot()
    assert int(summary.get("total", "0")) >= 8
    assert summary.get("failures") == summary.get("errors") == summary.get("not-run") == "0"


def test_components_editor_and_samples_compile_against_the_engines_signatures(build, tmp_path) -> None:
    stubs, components = tmp_path / "UnityEngine.dll", tmp_path / "Likeness.Unity.dll"
    compile_sources(stubs, list((ROOT / "tests/unity/stubs").glob("*.cs")))
    compile_sources(components, list((PACKAGE / "Runtime/Unity").glob("*.cs")), build.core, stubs)
    parts = [PACKAGE / "Editor", *sorted((PACKAGE / "Samples~").iterdir())]
    assert len(parts) == 4
    for part in parts:
        sources = list(part.glob("*.cs"))
        assert sources, part
        compile_sources(tmp_path / f"{part.name}.dll", sources, build.core, components, stubs)
