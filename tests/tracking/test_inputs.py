"""Parsers of phones and trackers: the published layouts are read, everything else is refused in words."""

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from likeness.errors import InputError
from likeness.head.controls import CONTROL_INDEX
from likeness.tracking import ifacialmocap, live_link_face, open_see_face, unified_expressions


def live_link_packet(values: np.ndarray, *, name: str = "iPhone", frame: int = 120) -> bytes:
    device = b"$" + b"0123456789abcdef0123456789abcdef0123"
    assert len(device) == 37
    text = name.encode()
    head = struct.pack("<i", 6) + device + struct.pack(">i", len(text)) + text
    return head + struct.pack(">ifiiB", frame, 0.5, 60, 1, 61) + values.astype(">f4").tobytes()


def open_see_packet(*, success: bool = True, mouth_open: float = 0.6, blink: float = 0.25) -> bytes:
    head = struct.pack("<diffffBf", 12.5, 0, 640, 480, blink, 1.0, success, 1.0)
    floats = np.zeros(438, "<f4")
    floats[10:78] = 0.9
    floats[-2] = mouth_open
    return head + floats.tobytes()


def osc(pairs: dict[str, float]) -> bytes:
    bundle = OscBundleBuilder(IMMEDIATELY)
    for name, value in pairs.items():
        message = OscMessageBuilder(f"/avatar/parameters/v2/{name}")
        message.add_arg(float(value), OscMessageBuilder.ARG_TYPE_FLOAT)
        bundle.add_content(message.build())
    return bundle.build().dgram


def test_live_link_packet_gives_controls_head_and_gaze() -> None:
    values = np.zeros(61, np.float32)
    values[CONTROL_INDEX["jawOpen"]] = 0.5
    values[CONTROL_INDEX["mouthSmileLeft"]] = 0.25
    values[52:55] = (0.3, 0.1, 0.0)
    packet = live_link_face.parse(live_link_packet(values, name="Telefon von Änne"))
    face = live_link_face.to_face(packet)
    assert packet.subject == "Telefon von Änne"
    assert face.controls[CONTROL_INDEX["jawOpen"]] == pytest.approx(0.5)
    assert face.controls[CONTROL_INDEX["mouthSmileLeft"]] == pytest.approx(0.25)
    assert face.head_rotation is not None
    assert np.linalg.norm(face.head_rotation) == pytest.approx(np.hypot(0.3, 0.1), abs=0.01)
    assert face.time == pytest.approx(2.0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda b: b[:-1],
        lambda b: b + b"\0",
        lambda b: b"\7" + b[1:],
        lambda b: b[:41] + struct.pack(">i", -1) + b[45:],
        lambda b: b[:41] + struct.pack(">i", 2**31 - 1) + b[45:],
        lambda b: b[:-4] + struct.pack(">f", float("nan")),
        lambda b: b[:-4] + struct.pack(">f", 1e30),
        lambda b: b"",
    ],
)
def test_spoiled_live_link_packets_are_refused(spoil) -> None:
    with pytest.raises(InputError, match="Live Link Face"):
        live_link_face.parse(spoil(live_link_packet(np.zeros(61, np.float32))))


def test_open_see_face_gives_mouth_and_lids() -> None:
    (seen,) = open_see_face.parse(open_see_packet())
    face = open_see_face.to_face(seen)
    assert face.controls[CONTROL_INDEX["jawOpen"]] == pytest.approx(0.6)
    assert face.controls[CONTROL_INDEX["eyeBlinkRight"]] == pytest.approx(0.75)
    assert face.controls[CONTROL_INDEX["eyeBlinkLeft"]] == 0
    assert face.confidence[0] == pytest.approx(0.9)


def test_open_see_face_without_success_is_no_face() -> None:
    (seen,) = open_see_face.parse(open_see_packet(success=False))
    assert open_see_face.to_face(seen).confidence.max() == 0


def test_unified_expressions_keep_what_did_not_change() -> None:
    face = unified_expressions.UnifiedFace()
    face.update(unified_expressions.parse(osc({"JawOpen": 0.5, "MouthCornerPullLeft": 1.0})), 0.0)
    now = face.update(unified_expressions.parse(osc({"EyeLidLeft": 0.0, "EyeLeftX": 0.5})), 0.1)
    assert now.controls[CONTROL_INDEX["jawOpen"]] == pytest.approx(0.5)
    assert now.controls[CONTROL_INDEX["mouthSmileLeft"]] == pytest.approx(0.8)
    assert now.controls[CONTROL_INDEX["eyeBlinkLeft"]] == pytest.approx(1.0)
    assert now.gaze is not None
    assert now.gaze[0, 1] == pytest.approx(-0.3)


def test_left_and_right_are_mapped_apart() -> None:
    left = unified_expressions.UnifiedFace().update({"EyeSquintLeft": 1.0}, 0)
    right = unified_expressions.UnifiedFace().update({"EyeSquintRight": 1.0}, 0)
    assert left.controls[CONTROL_INDEX["eyeSquintLeft"]] == 1
    assert left.controls[CONTROL_INDEX["eyeSquintRight"]] == 0
    assert right.controls[CONTROL_INDEX["eyeSquintRight"]] == 1
    assert right.controls[CONTROL_INDEX["eyeSquintLeft"]] == 0


@pytest.mark.parametrize("separator", ["&", "-"])
def test_ifacialmocap_text(separator: str) -> None:
    weights = f"jawOpen{separator}50|mouthSmile_L{separator}100|unknown{separator}3|"
    text = weights + "=head#10,0,0,0,0,0|rightEye#1,2,0|leftEye#1,2,0|"
    face = ifacialmocap.parse(text.encode())
    assert face.controls[CONTROL_INDEX["jawOpen"]] == pytest.approx(0.5)
    assert face.controls[CONTROL_INDEX["mouthSmileLeft"]] == pytest.approx(1)
    assert face.head_rotation is not None
    assert face.head_rotation[0] == pytest.approx(np.radians(10), abs=1e-5)


@pytest.mark.parametrize(
    "text", [b"", b"=", b"jawOpen&fifty|=", b"\xff\xfe=", b"jawOpen&nan|=", b"jawOpen&50|", b"x" * 9000]
)
def test_ifacialmocap_refuses_the_rest(text: bytes) -> None:
    with pytest.raises(InputError, match="iFacialMocap"):
        ifacialmocap.parse(text)


def _all_parsers(data: bytes) -> None:
    for parse in (live_link_face.parse, open_see_face.parse, unified_expressions.parse, ifacialmocap.parse):
        with contextlib.suppress(InputError):
            parse(data)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=2000))
def test_random_bytes_are_refused_in_words(data: bytes) -> None:
    _all_parsers(data)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_packets_are_read_or_refused(data) -> None:
    packet = bytearray(
        data.draw(
            st.sampled_from(
                [
                    live_link_packet(np.zeros(61, np.float32)),
                    open_see_packet(),
                    osc({"JawOpen": 0.5, "EyeLeftX": 0.1}),
                    b"jawOpen&50|=head#1,2,3,4,5,6|",
                ]
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 8))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    _all_parsers(bytes(packet[: data.draw(st.integers(0, len(packet)))]))


CASES = 20_000
"""Spoiled datagrams of each kind of sender."""


@pytest.mark.parametrize(
    ("parse", "packet"),
    [
        (live_link_face.parse, live_link_packet(np.linspace(0, 1, 61, dtype=np.float32))),
        (open_see_face.parse, open_see_packet()),
        (unified_expressions.parse, osc({"JawOpen": 0.5, "EyeLeftX": 0.1, "MouthClosed": 0.3})),
        (ifacialmocap.parse, b"jawOpen&50|mouthSmile_L&20|=head#1,2,3,4,5,6|rightEye#1,2,3|leftEye#1,2,3|"),
    ],
    ids=["live-link-face", "open-see-face", "vrcft", "ifacialmocap"],
)
def test_twenty_thousand_spoiled_datagrams_are_read_or_refused(parse, packet: bytes) -> None:
    parse(packet)
    rng = np.random.default_rng(11)
    read = refused = 0
    for case in range(CASES):
        spoiled = np.frombuffer(packet, np.uint8).copy()
        if case % 4 == 0:
            spoiled = spoiled[: rng.integers(0, len(spoiled))]
        elif case % 4 == 1:
            spoiled = np.concatenate([spoiled, rng.integers(0, 256, rng.integers(1, 64)).astype(np.uint8)])
        elif case % 4 == 2:
            spoiled[rng.integers(0, len(spoiled), rng.integers(1, 9))] = rng.integers(0, 256)
        else:
            spoiled[rng.integers(0, min(64, len(spoiled)))] ^= 1 << rng.integers(0, 8)
        try:
            parse(spoiled.tobytes())
            read += 1
        except InputError:
            refused += 1
    assert read + refused == CASES
    assert refused > CASES // 5


@pytest.mark.parametrize("size", [0, 1, 65_507])
def test_datagrams_of_any_size_end_nothing(size: int) -> None:
    _all_parsers(bytes(size))
    _all_parsers(b"#bundle\0" + bytes(size))
    _all_parsers(b"|" * size + b"=")
