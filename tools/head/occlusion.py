"""Ambient occlusion by ray casting."""

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from tools.head.falloff import Array
from tools.head.topology import Faces


def ambient_occlusion(
    vertices: Array,
    faces: Faces,
    points: Array,
    normals: Array,
    rays: int = 48,
    reach: float = 90.0,
    seed: int = 0,
) -> Array:
    """Openness 0..1 at each point: cosine-weighted share of rays that meet nothing within `reach` mm."""
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene, vertices[faces].astype(np.float32))
    rng = np.random.default_rng(seed)
    tangent = np.cross(normals, np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]]))
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    other = np.cross(normals, tangent)
    closed = np.zeros(len(points))
    origin = (points + normals * 0.6).astype(np.float32)
    for k in range(rays):
        u = (k + rng.random(len(points))) / rays
        turn = 2 * np.pi * ((k * 0.618034) % 1 + rng.random(len(points)) * 0.3)
        r = np.sqrt(u)
        way = (
            tangent * (r * np.cos(turn))[:, None]
            + other * (r * np.sin(turn))[:, None]
            + normals * np.sqrt(1 - u)[:, None]
        )
        distance = scene.run(origin, way.astype(np.float32), query="DISTANCE")
        distance = np.where(np.isfinite(distance), distance, 1e9)
        closed += np.where(distance < reach, 1 - (np.minimum(distance, reach) / reach) ** 0.8, 0)
    return 1 - closed / rays
