"""The engine-free core of the Unity client passes its own tests on Mono; the rest compiles."""

import base64
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import descriptor_pb2

from likeness.head.controls import CONTROLS
from likeness.tracking.unified_expressions import UnifiedFace
from likeness.v1 import likeness_pb2, room_pb2, stream_pb2
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


STUBS = ROOT / "tests/unity/stubs"
OPTIONAL = ROOT / "tests/unity/stubs_optional"
RUNTIME = PACKAGE / "Runtime"


@pytest.fixture(scope="module")
def components(build, tmp_path_factory) -> tuple[Path, Path, Path]:
    """Core, the engine's signatures and Likeness.Unity, to compile the rest against."""
    folder = tmp_path_factory.mktemp("components")
    stubs, unity = folder / "UnityEngine.dll", folder / "Likeness.Unity.dll"
    compile_sources(stubs, list(STUBS.glob("*.cs")))
    compile_sources(unity, list((RUNTIME / "Unity").glob("*.cs")), build.core, stubs)
    return build.core, stubs, unity


def test_components_compile_as_in_the_editor_and_on_android(components, tmp_path) -> None:
    core, stubs, _ = components
    for define in ("UNITY_EDITOR", "UNITY_ANDROID"):
        sources = list((RUNTIME / "Unity").glob("*.cs"))
        compile_sources(tmp_path / f"{define}.dll", sources, core, stubs, defines=(define,))


def test_editor_and_samples_compile_against_the_engines_signatures(components, tmp_path) -> None:
    parts = [PACKAGE / "Editor", *sorted(p for p in (PACKAGE / "Samples~").iterdir() if p.is_dir())]
    assert len(parts) == 4
    for part in parts:
        sources = list(part.glob("*.cs"))
        assert sources, part
        compile_sources(tmp_path / f"{part.name}.dll", sources, *components)
    # Whoever imports all samples has them in one assembly.
    compile_sources(tmp_path / "AllSamples.dll", list(PACKAGE.glob("Samples~/*/*.cs")), *components)


def test_the_grpc_assembly_compiles_with_its_generated_messages(components, tmp_path) -> None:
    rpc = tmp_path / "Rpc.dll"
    compile_sources(rpc, list(OPTIONAL.glob("G*.cs")), "System.Net.Http.dll")
    compile_sources(
        tmp_path / "Likeness.Grpc.dll",
        list((RUNTIME / "Grpc").rglob("*.cs")),
        *components,
        rpc,
        "System.Net.Http.dll",
        # Mono's compiler knows no ref structs; the messages have a second form for such compilers.
        defines=("GOOGLE_PROTOBUF_REFSTRUCT_COMPATIBILITY_MODE", "UNITY_EDITOR"),
    )


def test_the_webrtc_assembly_compiles(components, tmp_path) -> None:
    rtc = tmp_path / "Rtc.dll"
    compile_sources(rtc, [OPTIONAL / "UnityWebRtc.cs"], components[1])
    compile_sources(
        tmp_path / "Likeness.WebRTC.dll", list((RUNTIME / "WebRTC").glob("*.cs")), *components, rtc
    )


@pytest.mark.parametrize("defines", [("META",), ("ANDROIDXR",), ("META", "ANDROIDXR")])
def test_the_face_assembly_compiles_for_each_headset(components, tmp_path, defines) -> None:
    sdk = tmp_path / "Face.dll"
    compile_sources(sdk, [OPTIONAL / "FaceTracking.cs"], components[1])
    names = tuple(f"LIKENESS_{name}_FACE" for name in defines)
    sources = list((RUNTIME / "OpenXRFace").glob("*.cs"))
    compile_sources(tmp_path / "Likeness.OpenXRFace.dll", sources, *components, sdk, defines=names)


@pytest.mark.parametrize("name", ["Grpc", "WebRTC", "OpenXRFace"])
def test_optional_assemblies_are_off_until_their_package_is_there(name) -> None:
    assembly = json.loads((RUNTIME / name / f"Likeness.{name}.asmdef").read_text())
    switches = {v["define"] for v in assembly["versionDefines"]}
    asked = {word for line in assembly["defineConstraints"] for word in line.split(" || ")}
    assert asked == switches != set()
    needs = json.loads((PACKAGE / "package.json").read_text())["dependencies"]
    assert not {v["name"] for v in assembly["versionDefines"]} & set(needs)


@pytest.mark.parametrize("name", ["Core", "Unity", "Grpc", "WebRTC", "OpenXRFace"])
def test_assemblies_know_each_other_by_the_names_they_have(name) -> None:
    ours = {json.loads(p.read_text())["name"] for p in PACKAGE.rglob("*.asmdef")}
    assembly = json.loads((RUNTIME / name / f"Likeness.{name}.asmdef").read_text())
    assert {r for r in assembly["references"] if r.startswith("Likeness.")} <= ours


@pytest.mark.parametrize("module", [stream_pb2, room_pb2, likeness_pb2])
def test_generated_messages_are_those_of_the_protos(module) -> None:
    """What the C# messages say, the server understands: fields may be missing there, never differ."""
    name = Path(module.DESCRIPTOR.name).stem.capitalize()
    source = (RUNTIME / "Grpc/Generated" / f"{name}.cs").read_text()
    block = re.search(r"string\.Concat\((.*?)\)\);", source, re.DOTALL)
    assert block is not None
    data = base64.b64decode("".join(re.findall(r'"([A-Za-z0-9+/=]+)"', block[1])))
    theirs = descriptor_pb2.FileDescriptorProto.FromString(data)
    ours = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(ours)
    assert theirs.package == ours.package
    known = _fields(ours.message_type, "")
    found = _fields(theirs.message_type, "")
    assert found
    assert {k: v for k, v in found.items() if known.get(k) != v} == {}


def _fields(messages, prefix: str) -> dict[str, tuple[int, int, int, str]]:
    fields = {}
    for message in messages:
        path = f"{prefix}.{message.name}"
        for f in message.field:
            fields[f"{path}.{f.name}"] = (f.number, f.type, f.label, f.type_name)
        fields |= _fields(message.nested_type, path)
    return fields


def test_headset_expressions_mean_what_the_servers_unified_expressions_mean() -> None:
    """The C# table and the server's map share the names of FACS; where they do, the same control moves."""
    source = (RUNTIME / "Core/FaceExpressions.cs").read_text()
    rows = re.findall(r'new object\[\] \{ "(\w+)", (.*?) \}', source)
    mapped = {control: dict(re.findall(r'"(\w+)", ([0-9.]+)f', parts)) for control, parts in rows}
    assert set(mapped) == set(CONTROLS)
    unified = {
        "LidTightener": "EyeSquint", "UpperLidRaiser": "EyeWide", "CheekRaiser": "CheekSquint",
        "NoseWrinkler": "NoseSneer", "OuterBrowRaiser": "BrowOuterUp", "LipCornerDepressor": "MouthFrown",
        "Dimpler": "MouthDimple", "LipStretcher": "MouthStretch", "LipPressor": "MouthPress",
        "LowerLipDepressor": "MouthLowerDown", "UpperLipRaiser": "MouthUpperUp",
        "InnerBrowRaiser": "BrowInnerUp",
        "CheekPuff": "CheekPuff", "BrowLowerer": "BrowLowerer",
    }  # fmt: skip
    central = {
        "JawDrop": "JawOpen", "JawThrust": "JawForward", "JawSidewaysLeft": "JawLeft",
        "JawSidewaysRight": "JawRight", "LipsToward": "MouthClosed", "ChinRaiserB": "MouthRaiserLower",
        "ChinRaiserT": "MouthRaiserUpper", "TongueOut": "TongueOut",
        "LipFunnelerLB": "LipFunnelLowerLeft", "LipFunnelerRT": "LipFunnelUpperRight",
        "LipSuckLB": "LipSuckLowerLeft", "LipSuckRT": "LipSuckUpperRight",
    }  # fmt: skip
    pairs = dict(central)
    for theirs, name in unified.items():
        pairs |= {f"{theirs}L": f"{name}Left", f"{theirs}R": f"{name}Right"}
    for expression, name in pairs.items():
        controls = {control for control, parts in mapped.items() if expression in parts}
        face = UnifiedFace().update({name: 1.0}, 0.0)
        moved = {CONTROLS[i] for i in np.flatnonzero(face.controls > 0)}
        assert controls == moved, (expression, name)


def test_every_asset_has_its_stable_meta_file() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/unity_meta.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_component_reference_and_inspectors_are_those_of_the_source() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.unity_docs", "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_documents_link_to_what_is_there() -> None:
    documents = [PACKAGE / "README.md", *sorted((PACKAGE / "Documentation~").glob("*.md"))]
    assert len(documents) >= 6
    for document in documents:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
            if not link.startswith("http"):
                assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_sample_scenes_name_their_scripts_by_guid() -> None:
    scenes = sorted(PACKAGE.glob("Samples~/*/*.unity"))
    assert len(scenes) == 3
    for scene in scenes:
        script = next(scene.parent.glob("*Sample.cs.meta")).read_text()
        guid = re.search(r"guid: ([0-9a-f]{32})", script)
        assert guid is not None
        assert guid.group(1) in scene.read_text()
