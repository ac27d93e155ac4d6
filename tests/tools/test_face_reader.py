"""What `tools.face_reader` trains is what FaceReader reads."""

from pathlib import Path

import numpy as np

from likeness.head import CONTROL_INDEX, CONTROLS
from likeness.tracking.face_reader import FaceReader, ReaderWeights
from tools import face_reader
from tools.face_reader import PICTURES, REST, Seen, correlations, seen, told, train

NAMES = [name for name in CONTROLS if not name.startswith("eyeLook") and name != "tongueOut"]


def people(folder: Path, count: int) -> Seen:
    paths = [folder / f"model{number}.npz" for number in range(count)]
    for number, path in enumerate(paths):
        face_reader.model(number, path)
    return seen(paths)


def test_training_learns_to_read_heads_and_numpy_reads_what_torch_does(tmp_path: Path, monkeypatch) -> None:
    some = people(tmp_path, 4)
    assert some.moved.shape[0] == 4 * PICTURES
    still = some.moved[: REST - 1]
    assert np.abs(still - still[0]).max() < 0.1, "a film begins at rest"
    monkeypatch.setattr(face_reader, "STEPS", 120)
    known = some.person < 3
    network = train(some, some, NAMES, (known, known))
    assert correlations(network, some, NAMES, known)["jawOpen"] > 0.8
    # A network that has never learned says nothing of the layers' order: this one has.
    arrays = {n.removesuffix(".weight"): w.detach().numpy().T for n, w in network.named_parameters()}
    np.savez(tmp_path / "reader.npz", controls=[CONTROL_INDEX[n] for n in NAMES], **arrays)
    reader = FaceReader(ReaderWeights.load(tmp_path / "reader.npz"))
    read = reader.read(some.moved, some.terms)[:, [CONTROL_INDEX[n] for n in NAMES]]
    np.testing.assert_allclose(read, told(network, some, NAMES), atol=1e-4)
