"""The small network that stands for the acoustic model: taught, written, read again."""

import numpy as np
import torch

from likeness.speech.acoustic_model import FEATURES, AcousticModel
from likeness.speech.acoustic_network import AcousticNetwork
from tools.lipsync.distil import Lessons, student


def test_a_student_says_what_it_was_taught():
    """A short lesson: of vectors that it has not seen, it tells the likely states from the others."""
    model, g = AcousticModel(), torch.Generator().manual_seed(3)
    x = 2 * torch.randn(6000, 4, generator=g) @ torch.randn(4, FEATURES, generator=g)
    said = torch.cat([model.log_likelihood(part) for part in x.split(500)])
    lessons = Lessons(x, (said - said.amax(1, keepdim=True)).clamp_(min=-60).half())
    arrays = student(Lessons(x[:5000], lessons.answers[:5000]), 40, seed=1)
    answers = AcousticNetwork(arrays).log_likelihood(x[5000:]).numpy()
    wanted = lessons.answers[5000:].float().numpy()

    def agreement(a: np.ndarray, b: np.ndarray) -> float:
        """Correlation of what tells one vector from another."""
        return float(np.corrcoef((a - a.mean(0)).ravel(), (b - b.mean(0)).ravel())[0, 1])

    assert agreement(answers, wanted) > 0.25
    assert abs(agreement(np.roll(answers, 1, 0), wanted)) < 0.1
