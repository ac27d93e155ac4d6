# pyright: basic, reportMissingImports=false
"""Tells in which pictures MediaPipe finds a face: `find_faces.py PICTURE ...`, one line of 0 or 1 each.

A script, run by the tracking environment's Python (`likeness track --setup`), never imported.
"""

import sys
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).parents[2] / "server/likeness/tracking"))
from mesh_worker import load_face_mesh

with load_face_mesh()(static_image_mode=True, max_num_faces=1, min_detection_confidence=0.5) as mesh:
    for name in sys.argv[1:]:
        seen = mesh.process(cv2.cvtColor(cv2.imread(name), cv2.COLOR_BGR2RGB))
        print(int(bool(seen.multi_face_landmarks)), flush=True)
