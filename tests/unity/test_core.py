"""The engine-free core of the Unity client passes its own tests on Mono; the rest compiles."""

import os
import re
import subprocess
import sys
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
    parts = [PACKAGE / "Editor", *sorted(p for p in (PACKAGE / "Samples~").iterdir() if p.is_dir())]
    assert len(parts) == 4
    for part in parts:
        sources = list(part.glob("*.cs"))
        assert sources, part
        compile_sources(tmp_path / f"{part.name}.dll", sources, build.core, components, stubs)
    # Whoever imports all samples has them in one assembly.
    samples = list(PACKAGE.glob("Samples~/*/*.cs"))
    compile_sources(tmp_path / "AllSamples.dll", samples, build.core, components, stubs)


def test_every_asset_has_its_stable_meta_file() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/unity_meta.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_sample_scenes_name_their_scripts_by_guid() -> None:
    scenes = sorted(PACKAGE.glob("Samples~/*/*.unity"))
    assert len(scenes) == 3
    for scene in scenes:
        script = next(scene.parent.glob("*Sample.cs.meta")).read_text()
        guid = re.search(r"guid: ([0-9a-f]{32})", script)
        assert guid is not None
        assert guid.group(1) in scene.read_text()
