"""Write protos/vectors/landmarks.json: a golden landmark datagram that every client must encode alike."""

import json
import sys
from pathlib import Path

import numpy as np

from likeness.tracking.landmarks import LANDMARKS, LandmarkFrame, encode, from_mesh

TARGET = Path(__file__).resolve().parent.parent / "protos" / "vectors" / "landmarks.json"


def vectors() -> dict[str, object]:
    """A mesh of 478 points by a formula, its datagram, and the datagram of a picture without a face."""
    n = np.arange(478)
    mesh = np.stack([0.3 + 0.4 * np.sin(n) ** 2, 0.2 + 0.6 * np.cos(n * 0.7) ** 2, 0.1 * np.sin(n * 1.3)], 1)
    mesh = np.round(mesh, 5)
    width, height, sequence, time = 640, 480, 70_000, 123_456
    points = from_mesh(mesh.astype(np.float64), width, height)
    return {
        "about": "Golden landmark datagrams (docs/protocol.md, 0x06). Written by tools/landmark_vectors.py.",
        "landmarks": list(LANDMARKS),
        "width": width,
        "height": height,
        "sequence": sequence,
        "time": time,
        "mesh": mesh.tolist(),
        "hex": encode(LandmarkFrame(sequence, time, 1.0, points)).hex(),
        "without": encode(LandmarkFrame(sequence, time, 0.0, None)).hex(),
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(vectors()) + "\n")
    sys.exit(0)
