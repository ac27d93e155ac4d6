# pyright: basic, reportMissingImports=false
"""Runs MediaPipe's face mesh over a camera or a video, in an environment of its own.

A script, not a module of the package: MediaPipe needs an older numpy and protobuf than Likeness, so it is
run by that environment's Python and talks over stdout. One record a picture, little-endian: u32 length of
what follows, f64 seconds, u32 width, u32 height, u8 faces (0 or 1), then 478 x 3 x f32 normalised landmarks
of the face that is followed: the largest, and then the same person's. A line on stderr says what is wrong
before a non-zero exit.

Usage: mesh_worker.py (--camera N | --video FILE | --check) [--max-fps F]
"""

import argparse
import importlib.util
import struct
import sys
import time
import types


def load_face_mesh():
    """MediaPipe's FaceMesh class, without the rest of MediaPipe.

    Importing the package as a whole would load its drawing, sound and language models, and with them hundreds
    of megabytes of packages that a face mesh has no use for. So the two packages that do that are entered
    as plain folders.
    """
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"{sys.executable} has no MediaPipe; run `likeness track --setup`.")
    root = spec.submodule_search_locations[0]
    for name, folder in (("mediapipe", root), ("mediapipe.python.solutions", f"{root}/python/solutions")):
        package = types.ModuleType(name)
        package.__path__ = [folder]
        sys.modules[name] = package
    from mediapipe.python.solutions.face_mesh import FaceMesh

    return FaceMesh


def follow(meshes, place):
    """Which of the meshes [478,3] is the face that was at `place` (x, y; None: nobody's), and its place now.

    Someone else who comes nearer to the camera does not take over; once the followed face is gone, the
    largest one is next. Returns (None, None) without any.
    """
    faces = []
    for mesh in meshes:
        low, high = mesh[:, :2].min(0), mesh[:, :2].max(0)
        faces.append((mesh, 0.5 * (low + high), high - low))
    if place is not None:
        near = [f for f in faces if (abs(f[1] - place) < 0.5 * f[2]).all()]
        near.sort(key=lambda f: float(abs(f[1] - place).sum()))
        if near:
            return near[0][0], near[0][1]
    if not faces:
        return None, None
    mesh, centre, _ = max(faces, key=lambda f: float(f[2][0] * f[2][1]))
    return mesh, centre


def main() -> int:
    parser = argparse.ArgumentParser()
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--camera", type=int)
    source.add_argument("--video")
    source.add_argument("--check", action="store_true", help="only see whether MediaPipe runs")
    parser.add_argument("--max-fps", type=float, default=60.0)
    options = parser.parse_args()

    import cv2
    import numpy as np

    FaceMesh = load_face_mesh()
    if options.check:
        with FaceMesh(refine_landmarks=True) as mesh:
            mesh.process(np.zeros((64, 64, 3), np.uint8))
        return 0
    capture = cv2.VideoCapture(options.camera if options.video is None else options.video)
    if not capture.isOpened():
        what = f"camera {options.camera}" if options.video is None else options.video
        print(f"{what} cannot be opened: is it there, and not used by another program?", file=sys.stderr)
        return 2
    rate = capture.get(cv2.CAP_PROP_FPS) or 30.0
    frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if options.video else 0
    out = sys.stdout.buffer
    out.write(struct.pack("<4sIf", b"MESH", max(frames, 0), rate))
    out.flush()
    start, count, place = time.monotonic(), 0, None
    with FaceMesh(refine_landmarks=True, max_num_faces=2, min_detection_confidence=0.5) as mesh:
        while True:
            found, picture = capture.read()
            if not found:
                if options.video is None:
                    print("the camera was unplugged or stopped sending pictures", file=sys.stderr)
                    return 3
                return 0
            at = count / rate if options.video else time.monotonic() - start
            count += 1
            height, width = picture.shape[:2]
            result = mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            faces = result.multi_face_landmarks or []
            meshes = [np.array([(p.x, p.y, p.z) for p in f.landmark], np.float32) for f in faces]
            face, place = follow(meshes, place)
            body = struct.pack("<dIIB", at, width, height, int(face is not None))
            if face is not None:
                body += face.tobytes()
            try:
                out.write(struct.pack("<I", len(body)) + body)
                out.flush()
            except BrokenPipeError:
                return 0
            if options.video is None:
                ahead = count / options.max_fps - (time.monotonic() - start)
                if ahead > 0:
                    time.sleep(ahead)


if __name__ == "__main__":
    sys.exit(main())
