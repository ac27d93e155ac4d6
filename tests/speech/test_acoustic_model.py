"""The acoustic model equals its definition, and the phone loop equals plain forward-backward."""

import numpy as np
import pytest
import torch

from likeness.errors import MachineError
from likeness.speech import acoustic_model
from likeness.speech.acoustic_model import FRAMES, STATES, AcousticModel, model_folder
from likeness.speech.phone_loop import LAG, PhoneLoop, count_followers


@pytest.fixture(scope="module")
def model() -> AcousticModel:
    return AcousticModel()


def test_likelihoods_equal_the_mixtures_written_out(model):
    """Read the files a second time, sum the Gaussians in float64, one state after another."""
    means = acoustic_model._read_gaussians(model.folder / "means").astype(float)
    variances = np.maximum(acoustic_model._read_gaussians(model.folder / "variances").astype(float), 1e-4)
    weights = acoustic_model._read_weights(model.folder / "sendump").astype(float)
    g = np.random.default_rng(0)
    x = g.normal(0, 3, (3, 39))
    wanted = np.zeros((3, STATES))
    for row in range(3):
        for state in range(0, STATES, 5):
            for stream in range(3):
                mu, var = means[state // 3, stream], variances[state // 3, stream]
                d = x[row, 13 * stream : 13 * stream + 13] - mu
                density = -0.5 * (np.log(2 * np.pi * var) + d * d / var).sum(1)
                top = density.max()
                shares = weights[stream, :, state] @ np.exp(density - top)
                wanted[row, state] += np.log(shares + 1e-10) + top
    found = model.log_likelihood(torch.from_numpy(x).float()).numpy()
    np.testing.assert_allclose(found[:, ::5], wanted[:, ::5], atol=0.15)


def test_many_speakers_at_once_get_what_each_gets_alone(model):
    x = torch.randn(75, 39) * 3
    together = model.log_likelihood(x)
    for row in (0, 31, 32, 74):
        np.testing.assert_allclose(together[row], model.log_likelihood(x[row : row + 1])[0], atol=2e-2)


def test_a_steady_voice_has_no_dynamics(model):
    frames = torch.randn(1, 1, 25).expand(1, FRAMES, 25)
    features = model.features(frames, torch.zeros(1, 25))
    assert features.shape == (1, 39)
    np.testing.assert_allclose(features[0, 13:], 0, atol=1e-4)


def test_dynamics_have_the_slope_of_100_frames_a_second(model):
    ramp = torch.arange(FRAMES).float()[None, :, None].expand(1, FRAMES, 25) / 120
    first = model.features(ramp, torch.zeros(1, 25))[0]
    # Four frames of 10 ms apart; the zeroth cepstrum of a constant is sqrt(25) of it.
    assert float(first[13]) == pytest.approx(0.04 * 5, abs=1e-4)
    assert float(first[26]) == pytest.approx(0, abs=1e-4)


def test_there_are_42_phones_with_proper_transitions(model):
    assert len(model.phones) == 42
    assert {"P", "B", "M", "SIL"} <= set(model.phones)
    transitions = model.transitions()
    assert transitions.shape == (42, 3, 4)
    np.testing.assert_allclose(transitions.sum(2), 1)


def test_bigrams_know_the_language(model):
    followers = count_followers(model_folder() / "cmudict-en-us.dict", model.phones)
    np.testing.assert_allclose(followers.sum(1), 1)
    at = {p: i for i, p in enumerate(model.phones)}
    assert followers[at["S"], at["T"]] > 5 * followers[at["S"], at["ZH"]]


def test_the_fixed_lag_posterior_is_the_forward_backward_one(model):
    followers = count_followers(model_folder() / "cmudict-en-us.dict", model.phones)
    loop = PhoneLoop(model.transitions(), followers, acoustic_scale=0.25)
    g = torch.Generator().manual_seed(0)
    evidence = [torch.rand(2, STATES, generator=g) + 1e-3 for _ in range(8)]
    belief = loop.start(2)
    for e in evidence[: 8 - LAG]:
        belief = loop.forward(belief, e)
    found = loop.smooth(belief, evidence[8 - LAG :])
    matrix = loop._matrix.double().numpy()
    for row in range(2):
        alpha = np.full(STATES, 1 / STATES)
        for e in evidence[: 8 - LAG]:
            alpha = (alpha @ matrix) * e[row].double().numpy()
        beta = np.ones(STATES)
        for e in reversed(evidence[8 - LAG :]):
            beta = matrix @ (e[row].double().numpy() * beta)
        wanted = alpha * beta
        np.testing.assert_allclose(found[row].numpy(), wanted / wanted.sum(), atol=1e-5)


def test_a_missing_model_is_said_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(acoustic_model.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MachineError, match="pip install pocketsphinx"):
        model_folder()
