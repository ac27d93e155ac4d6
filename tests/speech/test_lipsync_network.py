"""Tick by tick the network gives what the trained one gives on a whole recording."""

import numpy as np
import torch

from likeness.speech.lipsync_network import OUTPUTS, LipSyncNetwork
from likeness.speech.mel import BANDS, HOP, WINDOW, VoiceMean, mel_matrix, power_spectrum, track_mean
from tools.lipsync.network import Network, folded


def trained_looking(width: int = 24) -> Network:
    """A network with random weights and statistics, as after training."""
    torch.manual_seed(0)
    network = Network(width, dropout=0.0).eval()
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.3)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    return network


def test_one_tick_at_a_time_equals_the_whole_recording():
    network = trained_looking()
    mels = torch.randn(3, 50, 2, BANDS) * 3
    with torch.no_grad():
        whole = network(mels)
    live = LipSyncNetwork(folded(network.state_dict()), capacity=5)
    slots = torch.tensor([4, 0, 2])
    for tick in range(50):
        out = live.step(slots, torch.full((3,), tick), mels[:, tick])
        np.testing.assert_allclose(out.numpy(), whole[:, tick].numpy(), atol=2e-4)
    assert out.shape == (3, OUTPUTS)


def test_speakers_that_began_at_different_times_do_not_mix():
    network = trained_looking()
    mels = torch.randn(1, 40, 2, BANDS)
    with torch.no_grad():
        whole = network(mels)
    live = LipSyncNetwork(folded(network.state_dict()), capacity=2)
    for tick in range(7):
        live.step(torch.tensor([1]), torch.tensor([tick]), torch.randn(1, 2, BANDS))
    for tick in range(40):
        both = torch.cat([mels[:, tick], torch.randn(1, 2, BANDS)])
        out = live.step(torch.tensor([0, 1]), torch.tensor([tick, tick + 7]), both)
        np.testing.assert_allclose(out[0].numpy(), whole[0, tick].numpy(), atol=2e-4)


def test_a_full_scale_sine_has_power_one_at_16_and_48_khz():
    for rate, window in ((48_000, WINDOW), (16_000, WINDOW // 3)):
        t = torch.arange(window) / rate
        power = power_spectrum(torch.sin(2 * torch.pi * 1000 * t))
        assert power.argmax() == 32
        assert abs(float(power[32]) - 1) < 0.02
    assert HOP * 120 == 48_000


def test_every_mel_band_sums_to_one():
    np.testing.assert_allclose(mel_matrix().sum(0), 1, atol=1e-5)


def test_the_voice_mean_follows_voice_and_ignores_silence():
    prior = torch.zeros(BANDS)
    voice = torch.linspace(2, -2, BANDS) - 6
    bands = torch.full((1, 300, 2, BANDS), -18.0)
    bands[:, 50:200] = voice
    mean = VoiceMean.fresh(1, prior)
    means, active = track_mean(bands, mean)
    assert not active[0, :50].any()
    assert active[0, 50:200].all()
    assert not active[0, 200:].any()
    assert float((means[0, 199] - voice).abs().max()) < 0.5
    np.testing.assert_allclose(means[0, 299], means[0, 199])
    early = float((means[0, 53].mean() - voice.mean()).abs())
    assert early < 3.5  # the level is known almost at once
