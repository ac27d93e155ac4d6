"""What is heard of many speakers at once, a 60 Hz tick at a time: sound in, mouth curves and phones out.

Two sources that err differently look at the same spectra: the lip-sync network, which knows what mouths do
but only synthetic voices, and the acoustic model with its phone loop, which was trained on real speech.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from likeness.speech.acoustic_model import CENTRE, FRAMES, AcousticModel, model_folder
from likeness.speech.articulation import CHANNELS, CLASS_INDEX, CLASSES, arpabet_classes
from likeness.speech.lipsync_network import WEIGHTS, LipSyncNetwork, load_weights
from likeness.speech.mel import (
    BANDS,
    FLOOR,
    HOP,
    WINDOW,
    VoiceMean,
    mel_matrix,
    power_spectrum,
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
        followers = count_followers(model_folder() / "cmudict-en-us.dict", self.model.phones)
        self.loop: Final = PhoneLoop(self.model.transitions(), followers, self.settings["acoustic_scale"])
        self._opinion = _opinion_matrix(self.model.phones)
        self._mels = torch.from_numpy(mel_matrix())
        self._prior = torch.from_numpy(arrays["voice_prior"])
        self._clock = torch.zeros(capacity, dtype=torch.int64)
        self._sound = torch.zeros(capacity, _TAIL)
        self._mean = VoiceMean.fresh(capacity, self._prior)
        self._loudness = torch.zeros(capacity)
        self._spectra = torch.zeros(capacity, FRAMES - 2, self._prior.shape[0] - BANDS)
        self._belief = PhoneLoop.start(capacity)
        self._evidence = torch.ones(capacity, LAG, self._belief.shape[1])
        for slot in range(capacity):
            self.reset(slot)

    def reset(self, slot: int) -> None:
        """A new speaker in this slot."""
        self._clock[slot] = 0
        self._sound[slot] = 0.0
        self._mean.put(torch.tensor([slot]), VoiceMean.fresh(1, self._prior))
        self._loudness[slot] = float(self._mean.level[slot])
        self._spectra[slot] = self.model.log_mels(torch.zeros(257))
        self._belief[slot] = PhoneLoop.start(1)[0]
        self._evidence[slot] = 1.0
        self.network.reset(slot)

    @torch.inference_mode()
    def hear(self, slots: Tensor, pcm: Tensor) -> Heard:
        """One tick of sound, float32 [N, 800] in -1..1 at 48 kHz, of the speakers in `slots` int64 [N]."""
        sound = torch.cat([self._sound[slots], pcm], 1)
        self._sound[slots] = sound[:, TICK:]
        power = power_spectrum(sound.unfold(1, WINDOW, HOP))
        mels = torch.log(power @ self._mels + FLOOR)
        own = self.model.log_mels(power)
        mean = self._mean.rows(slots)
        means, voiced = track_mean(torch.cat([mels, own], 2)[:, None], mean)
        self._mean.put(slots, mean)
        now = self._loudness[slots]
        now = now + _LOUDNESS_PACE * voiced[:, 0] * (mels.mean((1, 2)) - now)
        self._loudness[slots] = now
        effort = (now - mean.level[:, 0]).clamp(-_MOST_EFFORT, _MOST_EFFORT) * (mean.seen[:, 0] > _KNOWN)

        clock = self._clock[slots]
        head = self.network.step(slots, clock, mels - means[:, :, :BANDS])
        self._clock[slots] = clock + 1

        spectra = torch.cat([self._spectra[slots], own], 1)
        self._spectra[slots] = spectra[:, 2:]
        features = self.model.features(spectra, means[:, 0, BANDS:])
        newest = self.loop.evidence(self.model.log_likelihood(features))
        evidence = self._evidence[slots]
        classes = head[:, len(CHANNELS) + 1 :]
        belief = self.loop.forward(self._belief[slots], evidence[:, 0] * self._second_opinion(classes))
        self._belief[slots] = belief
        later = [*evidence[:, 1:].unbind(1), newest]
        self._evidence[slots] = torch.stack(later, 1)
        states = self.loop.smooth(belief, later)

        curves = len(CHANNELS)
        return Heard(
            curves=torch.sigmoid(head[:, :curves]),
            closure=head[:, curves],
            classes=classes,
            phones=states.view(len(slots), -1, 3).sum(2),
            effort=effort,
            voiced=voiced[:, 0],
        )

    def _second_opinion(self, classes: Tensor) -> Tensor:
        """What the network's class logits [N, 32] say for each of the loop's 126 states."""
        phones = classes.softmax(1) @ self._opinion + self.settings["network_floor"]
        return phones.pow(self.settings["network_scale"]).repeat_interleave(3, 1)


def _opinion_matrix(phones: tuple[str, ...]) -> Tensor:
    """Which phone classes [32] speak for which of the model's phones [42]."""
    matrix = torch.zeros(len(CLASSES), len(phones))
    for column, phone in enumerate(phones):
        for name in (*arpabet_classes(phone), *(("ax",) if phone in ("AH", "IH") else ())):
            matrix[CLASS_INDEX[name], column] = 1.0
    return matrix
