"""What the network is trained on: labels at the right time, the disturbances finite, files that read back."""

import numpy as np

from likeness.speech.articulation import CLASS_INDEX, CLOSE, VOICE
from likeness.speech.listener import NETWORK_LAG
from tools.lipsync.corpus import RATE, Utterance, join, load, save, utterance
from tools.lipsync.examples import LABEL_RATE, Examples, label
from tools.lipsync.interference import sounds


def bursts(seconds: float = 12.0) -> Utterance:
    """A buzz of 0.3 s every 0.75 s, labelled as a vowel."""
    t = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * 140 * k * t) for k in range(1, 30)) * ((t % 0.75) < 0.3)
    phones = []
    for start in np.arange(0, seconds, 0.75):
        phones += [("a", start, start + 0.3), ("sil", start + 0.3, start + 0.75)]
    return utterance("bursts", wave, phones)


def test_a_label_tells_of_the_instant_that_the_live_network_tells_of():
    u = label(bursts())
    quiet = [
        label(Utterance("q", np.zeros(12 * RATE, np.int16), np.zeros(1, np.int16), np.array([[0, 12]], "f")))
    ]
    batch = Examples([(1.0, [u])], quiet, np.zeros(64, np.float32), seed=3, ticks=200).draw(8)
    lags = range(9)
    match = np.zeros(9)
    for row in range(8):
        energy = batch.mels[row].mean((1, 2)).numpy()
        voice = batch.curves[row, :, VOICE].numpy()
        if voice.std() > 0.1:
            match += [np.corrcoef(energy[10 - lag : 190 - lag], voice[10:190])[0, 1] for lag in lags]
    assert abs(int(match.argmax()) - NETWORK_LAG / 800) <= 1  # the newest spectrum is this many ticks ahead


def test_bilabials_are_labelled_shut():
    u = label(utterance("x", np.ones(RATE), [("a", 0, 0.4), ("b", 0.4, 0.5), ("a", 0.5, 1.0)]))
    middle = int(0.44 * LABEL_RATE)
    assert u.shut[middle]
    assert u.phone[middle] == CLASS_INDEX["b"]
    assert u.curves[middle, CLOSE] == 1.0
    assert not u.shut[: int(0.39 * LABEL_RATE)].any()
    assert not u.shut[int(0.5 * LABEL_RATE) :].any()


def test_the_same_seed_draws_the_same_finite_batch():
    groups = [(1.0, [label(bursts())])]
    noise = [label(u) for u in sounds(6, np.random.default_rng(0))]
    one, two = (
        Examples(groups, noise, np.zeros(64, np.float32), seed=5, ticks=120).draw(8) for _ in range(2)
    )
    assert one.mels.isfinite().all()
    assert (one.mels == two.mels).all()
    assert one.curves.min() >= 0
    assert one.curves.max() <= 1


def test_shards_read_back(tmp_path):
    u = bursts(3.0)
    both = join("two", [u, u])
    save(tmp_path / "shard.npz", [u, both])
    first, second = load(tmp_path / "shard.npz")
    np.testing.assert_array_equal(first.pcm, u.pcm)
    np.testing.assert_allclose(second.bounds[len(u.phones)], u.bounds[0] + u.seconds)
    assert (first.voice, second.voice) == ("bursts", "two")
