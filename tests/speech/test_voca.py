"""VOCA's network equals a plain reading of its description, and its offsets become the psi and jaw behind
them.
"""

import numpy as np
import pytest

from likeness.errors import InputError
from likeness.speech.deepspeech import feature_rows, mfcc, resample_frames, windows
from likeness.speech.voca import VARIABLES, OffsetSolver, VocaLipSync, VocaNetwork


def generated_checkpoint(seed: int = 0) -> dict[str, np.ndarray]:
    """Random numbers in the published layout, scaled so that no layer saturates."""
    g = np.random.default_rng(seed)
    out = {}
    for name, shape in VARIABLES.items():
        fan_in = int(np.prod(shape[:-1])) if len(shape) > 1 else 1
        out[name] = (g.normal(size=shape) / np.sqrt(fan_in)).astype(np.float32)
    out["VOCA/SpeechEncoder/batch_norm/moving_variance"] = np.array([2.5], np.float32)
    return out


def read_plainly(w: dict[str, np.ndarray], window: np.ndarray, subject: int) -> dict[str, np.ndarray]:
    """One window through the description, loop by loop: every layer's output."""
    p = "VOCA/SpeechEncoder/"
    bn = {
        k: w[f"{p}batch_norm/{k}"][0].astype(float)
        for k in ("beta", "gamma", "moving_mean", "moving_variance")
    }
    x = (window - bn["moving_mean"]) / np.sqrt(bn["moving_variance"] + 1e-5) * bn["gamma"] + bn["beta"]
    layers = {"batch_norm": x}
    who = np.zeros(8)
    who[subject] = 1
    x = np.array([np.concatenate([row, who]) for row in x])
    for layer in ("conv1", "conv2", "conv3", "conv4"):
        kernel, bias = w[f"{p}{layer}/weights"].astype(float), w[f"{p}{layer}/biases"]
        length, out = len(x), []
        for t in range(0, length, 2):
            total = bias.astype(float)
            for tap in range(
                3
            ):  # SAME, stride 2, even length: taps t, t + 1, t + 2; beyond the end there are zeros
                if t + tap < length:
                    total = total + x[t + tap] @ kernel[tap, 0]
            out.append(np.maximum(total, 0))
        x = np.array(out)
        layers[layer] = x
    x = np.concatenate([x.reshape(-1), who])
    layers["fc1"] = np.tanh(x @ w[f"{p}fc1/weights"].astype(float) + w[f"{p}fc1/biases"])
    layers["fc2"] = layers["fc1"] @ w[f"{p}fc2/weights"].astype(float) + w[f"{p}fc2/biases"]
    e = "VOCA/ExpressionLayer/expression_offset/"
    layers["offsets"] = (layers["fc2"] @ w[f"{e}weights"].astype(float) + w[f"{e}biases"]).reshape(5023, 3)
    return layers


def test_the_layout_has_the_published_number_of_learned_numbers():
    learned = {name: shape for name, shape in VARIABLES.items() if "batch_norm" not in name}
    assert sum(int(np.prod(shape)) for shape in learned.values()) == 809_561


def test_the_network_equals_an_independent_reading_of_its_description():
    weights = generated_checkpoint()
    network = VocaNetwork(weights)
    g = np.random.default_rng(1)
    batch = g.normal(size=(3, 16, 29)).astype(np.float32)
    for subject in (0, 7):
        ours = network.offsets(batch, subject)
        for window, found in zip(batch, ours, strict=True):
            wanted = read_plainly(weights, window, subject)
            assert [len(wanted[f"conv{i}"]) for i in (1, 2, 3, 4)] == [8, 4, 2, 1]
            np.testing.assert_allclose(found, wanted["offsets"], atol=2e-5)


def test_every_variable_matters_and_a_wrong_pad_would_be_noticed():
    weights = generated_checkpoint()
    batch = np.random.default_rng(2).normal(size=(1, 16, 29)).astype(np.float32)
    before = VocaNetwork(weights).offsets(batch, 2)
    for name in VARIABLES:
        changed = dict(weights)
        changed[name] = weights[name] + np.float32(0.05)
        assert np.abs(VocaNetwork(changed).offsets(batch, 2) - before).max() > 1e-6, name
    late = batch.copy()
    late[:, 15] += 1.0
    assert np.abs(VocaNetwork(weights).offsets(late, 2) - before).max() > 1e-4


def test_a_wrong_checkpoint_is_refused_in_words(tmp_path):
    weights = generated_checkpoint()
    missing = dict(weights)
    del missing["VOCA/SpeechEncoder/fc2/weights"]
    with pytest.raises(InputError, match="fc2/weights"):
        VocaNetwork(missing)
    turned = dict(weights)
    turned["VOCA/SpeechEncoder/fc1/weights"] = weights["VOCA/SpeechEncoder/fc1/weights"].T
    with pytest.raises(InputError, match="shape"):
        VocaNetwork(turned)
    path = tmp_path / "voca.npz"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="not a converted VOCA checkpoint"):
        VocaNetwork.load(path)
    with pytest.raises(InputError, match="styles"):
        VocaNetwork(weights).offsets(np.zeros((1, 16, 29), np.float32), 8)


def small_head(seed: int = 0, vertices: int = 400, components: int = 20) -> dict[str, np.ndarray]:
    g = np.random.default_rng(seed)
    return {
        "template": g.normal(0, 0.08, (vertices, 3)).astype(np.float32),
        "expression": g.normal(0, 0.003, (vertices, 3, components)).astype(np.float32),
        "jaw_weight": g.random(vertices).astype(np.float32),
        "jaw_joint": np.array([0, -0.02, 0.01], np.float32),
        "jaw_corrective": g.normal(0, 0.002, (vertices, 3, 9)).astype(np.float32),
    }


def skinned(head: dict[str, np.ndarray], psi: np.ndarray, angle: float) -> np.ndarray:
    """The head with psi and the jaw turned about x, written out vertex by vertex."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    out = np.empty_like(head["template"], dtype=float)
    for v in range(len(out)):
        x = (
            head["template"][v]
            + head["expression"][v] @ psi
            + head["jaw_corrective"][v] @ (turn - np.eye(3)).ravel()
        )
        moved = turn @ (x - head["jaw_joint"]) + head["jaw_joint"]
        out[v] = (1 - head["jaw_weight"][v]) * x + head["jaw_weight"][v] * moved
    return out


@pytest.mark.parametrize("angle", [0.0, 0.05, 0.3])
def test_offsets_become_the_expression_and_jaw_that_made_them(angle):
    head = small_head()
    psi = np.random.default_rng(3).normal(0, 1, 20)
    offsets = (skinned(head, psi, angle) - head["template"]).astype(np.float32)
    found, jaw = OffsetSolver(**head).solve(offsets)
    np.testing.assert_allclose(jaw, [angle, 0, 0], atol=2e-3)
    np.testing.assert_allclose(found, psi, atol=0.05)
    error = np.linalg.norm(skinned(head, found, float(jaw[0])) - skinned(head, psi, angle), axis=1)
    assert error.max() < 3e-4  # metres


def test_windows_see_eight_frames_back_and_seven_ahead():
    rows = np.arange(40 * 29, dtype=np.float32).reshape(40, 29) + 1
    view = windows(rows)
    assert view.shape == (40, 16, 29)
    np.testing.assert_array_equal(view[20], rows[12:28])
    assert not view[0, :8].any()
    np.testing.assert_array_equal(view[0, 8:], rows[:8])


def test_fifty_frames_a_second_become_sixty():
    ramp = np.repeat(np.arange(50, dtype=np.float32)[:, None], 29, 1)
    np.testing.assert_allclose(resample_frames(ramp, 60)[:59, 0], np.arange(59) * 50 / 60, atol=1e-5)


def test_cepstra_of_a_tone_lie_in_its_filter():
    t = np.arange(16_000) / 16_000
    sound = np.round(8000 * np.sin(2 * np.pi * 1000 * t)).astype(np.int16)
    cepstra = mfcc(sound)
    assert cepstra.shape == (99, 26)
    # The first number is the log energy of a frame, over half the spectrum: 400 samples of a sine of 8000.
    gain = abs(1 - 0.97 * np.exp(-2j * np.pi * 1000 / 16_000)) ** 2
    assert cepstra[50, 0] == pytest.approx(np.log(gain * 400 * 8000**2 / 2 / 2), abs=0.02)
    rows = feature_rows(sound)
    assert rows.shape == (50, 494)
    assert abs(rows.mean()) < 1e-3
    assert rows.std() == pytest.approx(1, abs=1e-3)


class Loudness:
    """A stand-in for the user's recogniser: logits that follow the first cepstrum."""

    def logits(self, rows: np.ndarray) -> np.ndarray:
        return np.repeat(rows[:, 9 * 26 : 9 * 26 + 1], 29, 1).astype(np.float32)


def test_a_recording_becomes_sixty_frames_a_second_of_psi_and_jaw():
    head = small_head(vertices=5023)
    voca = VocaLipSync(VocaNetwork(generated_checkpoint()), Loudness(), OffsetSolver(**head), subject=1)
    seen = []
    sound = np.sin(np.arange(24_000) / 20).astype(np.float32)
    face = voca.animate(sound, 24_000, progress=seen.append)
    assert face.expression.shape == (60, 20)
    assert face.jaw.shape == (60, 3)
    assert np.isfinite(face.expression).all()
    assert seen[-1] == 1.0
