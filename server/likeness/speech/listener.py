"""What is heard of many speakers at once, a 60 Hz tick at a time: sound in, mouth curves and phones out.

Two sources that err differently look at the same spectra: the lip-sync network, which knows what mouths do
but few real voices, and a phone loop over what an acoustic model of many people's real speech says, told by a
small network that it taught.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from likeness.speech.acoustic_model import CENTRE, FRAMES, STATES, AcousticModel, model_folder
from likeness.speech.acoustic_network import AcousticNetwork
from likeness.speech.articulation import CHANNELS, CLASS_INDEX, CLASSES, arpabet_classes
from likeness.speech.lipsync_network import WEIGHTS, LipSyncNetwork, load_weights
from likeness.speech.mel import (
    BANDS,
    FLOOR,
    HOP,
    WINDOW,
    Filterbank,
    VoiceMean,
    mel_matrix,
    track_mean,
)
from likeness.speech.phone_loop import LAG, PhoneLoop, count_followers

TICK: Final = 2 * HOP
LOOK_AHEAD: Final = WINDOW // 2 + round(CENTRE * HOP) + LAG * TICK
"""Samples between the newest sound heard and the instant told about: half a window (615), the acoustic
model's second differences (1440) and the phone loop's lag (1600).
"""
NETWORK_LAG: Final = LOOK_AHEAD - WINDOW // 2
"""Samples between the newest spectrum's centre and the instant that the network is trained to tell about."""
_TAIL: Final = WINDOW + HOP - TICK
_LOUDNESS_PACE: Final = 0.08  # a tick: loudness over the last 0.2 s of voice
_MOST_EFFORT: Final = 2.0  # nepers of power: 9 dB
_KNOWN: Final = 60.0  # ticks of voice after which a speaker's usual loudness is known


@dataclass(frozen=True, slots=True)
class Heard:
    """One tick of N speakers, for the instant LOOK_AHEAD samples before its end.

    curves [N, 8] in 0..1; closure [N] the network's logit; classes [N, 32] its phone-class logits; phones
    [N, 42] the phone loop's posteriors; effort [N] how much louder than usual the voice is, in nepers of
    power; voiced [N] whether the newest sound counts as voice.
    """

    curves: Tensor
    closure: Tensor
    classes: Tensor
    phones: Tensor
    effort: Tensor
    voiced: Tensor


class Listener:
    """Holds the models and the recent past of `capacity` speakers. Not thread-safe."""

    def __init__(self, capacity: int, weights: Path = WEIGHTS) -> None:
        arrays, self.settings = load_weights(weights)
        self.network: Final = LipSyncNetwork(arrays, capacity)
        self.model: Final = AcousticModel()
        self.acoustic: Final = AcousticNetwork(arrays)
        followers = count_followers(model_folder() / "cmudict-en-us.dict", self.model.phones)
        self.loop: Final = PhoneLoop(self.model.transitions(), followers, self.settings["acoustic_scale"])
        self._opinion = _opinion_matrix(self.model.phones)
        mels = torch.from_numpy(mel_matrix())
        self._filterbank = Filterbank(
            torch.cat([mels, self.model.filters], 1),
            torch.cat([torch.full((BANDS,), FLOOR), self.model.background]),
        )
        self._clock = torch.zeros(capacity, dtype=torch.int64)
        # All that is remembered of a speaker lies in one row: one look-up and one writing back a tick.
        prior = torch.from_numpy(arrays["voice_prior"])
        fresh = _Memory(torch.zeros(1, _MEMORY_SIZE))
        fresh.mean.table.copy_(VoiceMean.fresh(1, prior).table)
        fresh.loudness.copy_(fresh.mean.level)
        fresh.spectra.copy_(self.model.log_mels(torch.zeros(257)).repeat(FRAMES - 2))
        fresh.belief.copy_(PhoneLoop.start(1))
        fresh.evidence.fill_(1.0)
        self._fresh = fresh.table
        self._memory = self._fresh.repeat(capacity, 1)

    def reset(self, slot: int) -> None:
        """A new speaker in this slot."""
        self._clock[slot] = 0
        self._memory[slot] = self._fresh[0]
        self.network.reset(slot)

    @torch.inference_mode()
    def hear(self, slots: Tensor, pcm: Tensor) -> Heard:
        """One tick of sound, float32 [N, 800] in -1..1 at 48 kHz, of the speakers in `slots` int64 [N]."""
        memory = _Memory(self._memory.index_select(0, slots))
        sound = torch.cat([memory.sound, pcm], 1)
        memory.sound.copy_(sound[:, TICK:])
        bands = self._filterbank(sound)
        mean = memory.mean
        means, voiced = (part[:, 0] for part in track_mean(bands[:, None], mean))
        mels, own = bands[:, :, :BANDS], bands[:, :, BANDS:]
        loudness = memory.loudness
        loudness += _LOUDNESS_PACE * voiced[:, None] * (mels.mean((1, 2))[:, None] - loudness)
        effort = (loudness - mean.level).clamp_(-_MOST_EFFORT, _MOST_EFFORT).mul_(mean.seen > _KNOWN)[:, 0]

        clock = self._clock.index_select(0, slots)
        head = self.network.step(slots, clock, mels - means[:, None, :BANDS])
        self._clock.index_copy_(0, slots, clock + 1)

        spectra = torch.cat([memory.spectra, own.flatten(1)], 1)
        memory.spectra.copy_(spectra[:, 2 * _OWN :])
        before = memory.evidence.view(len(slots), LAG, STATES).unbind(1)
        features = self.model.features(spectra.view(len(slots), FRAMES, _OWN), means[:, BANDS:])
        newest = self.loop.evidence(self.acoustic.log_likelihood(features))
        classes = head[:, len(CHANNELS) + 1 :]
        later = [*before, newest]
        belief = self.loop.forward(memory.belief, later[0] * self._second_opinion(classes))
        memory.belief.copy_(belief)
        states = self.loop.smooth(belief, later[1:])
        memory.evidence.copy_(torch.cat(later[1:], 1))
        self._memory.index_copy_(0, slots, memory.table)

        curves = len(CHANNELS)
        return Heard(
            curves=torch.sigmoid(head[:, :curves]),
            closure=head[:, curves],
            classes=classes,
            phones=states.view(len(slots), -1, 3).sum(2),
            effort=effort,
            voiced=voiced,
        )

    def _second_opinion(self, classes: Tensor) -> Tensor:
        """What the network's class logits [N, 32] say for each of the loop's 126 states."""
        phones = classes.softmax(1) @ self._opinion + self.settings["network_floor"]
        scaled = phones.pow_(self.settings["network_scale"])
        return scaled[:, :, None].expand(-1, -1, 3).flatten(1)


class _Memory:
    """What is remembered of some speakers, as views of one table [N, _MEMORY_SIZE]."""

    __slots__ = ("belief", "evidence", "loudness", "mean", "sound", "spectra", "table")

    def __init__(self, table: Tensor) -> None:
        self.table = table
        self.sound, mean, self.loudness, self.spectra, self.belief, self.evidence = table.split(_SIZES, 1)
        self.mean = VoiceMean(mean)


_OWN: Final = 25  # the acoustic model's bands
_SIZES: Final = [_TAIL, BANDS + _OWN + 3, 1, (FRAMES - 2) * _OWN, STATES, LAG * STATES]
_MEMORY_SIZE: Final = sum(_SIZES)


def _opinion_matrix(phones: tuple[str, ...]) -> Tensor:
    """Which phone classes [32] speak for which of the model's phones [42]."""
    matrix = torch.zeros(len(CLASSES), len(phones))
    for column, phone in enumerate(phones):
        for name in (*arpabet_classes(phone), *(("ax",) if phone in ("AH", "IH") else ())):
            matrix[CLASS_INDEX[name], column] = 1.0
    return matrix
