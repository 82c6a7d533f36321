"""Triangle meshes of packages, fixtures and rooms, as arrays of vertices for the renderer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.store.model import ProductShape

FloatArray = NDArray[np.float64]

VERTEX = np.dtype(
    [
        ("position", "<f4", 3),
        ("normal", "<f4", 3),
        ("uv", "<f4", 2),
        ("colour", "u1", 4),
        ("layer", "<f4"),
        ("id", "<f4"),
    ]
)
"""A vertex of the renderer: store metres, unit normal, texture place, linear colour with ambient light as its alpha,
layer of the texture array (-1: none) and instance id."""


@dataclass(frozen=True)
class Mesh:
    """Triangles over ``VERTEX`` records."""

    vertices: NDArray[np.void]
    faces: NDArray[np.uint32]


def concatenate(meshes: list[Mesh]) -> Mesh:
    """Return all meshes as one."""
    if not meshes:
        return Mesh(np.zeros(0, VERTEX), np.zeros((0, 3), np.uint32))
    sizes = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    faces = [mesh.faces + offset for mesh, offset in zip(meshes, sizes[:-1].astype(np.uint32), strict=True)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))


def surface(
    positions: FloatArray,
    normals: FloatArray,
    faces: NDArray[np.integer],
    colour: tuple[float, ...] = (1.0, 1.0, 1.0),
    uv: FloatArray | None = None,
    layer: int = -1,
    ambient: FloatArray | float = 1.0,
) -> Mesh:
    """Return a mesh of one colour (linear RGB 0..1) from plain arrays."""
    vertices = np.zeros(len(positions), VERTEX)
    vertices["position"], vertices["normal"] = positions, normals
    vertices["colour"][:, :3] = np.round(np.clip(colour, 0, 1) * np.array(255.0))
    vertices["colour"][:, 3] = np.round(np.broadcast_to(ambient, len(positions)) * 255.0)
    vertices["uv"] = 0.0 if uv is None else uv
    vertices["layer"] = layer
    return Mesh(vertices, np.asarray(faces, dtype=np.uint32))


def moved(mesh: Mesh, transform: FloatArray) -> Mesh:
    """Return a mesh under a rigid transform (4, 4)."""
    vertices = mesh.vertices.copy()
    vertices["position"] = mesh.vertices["position"] @ transform[:3, :3].T + transform[:3, 3]
    vertices["normal"] = mesh.vertices["normal"] @ transform[:3, :3].T
    return Mesh(vertices, mesh.faces)


_CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float)
_SIDES: tuple[tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]], ...] = (
    # Outward normal, the label's right and the label's up as somebody sees them who looks at the side.
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
    ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
)


def box(
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    colour: tuple[float, ...] = (1.0, 1.0, 1.0),
    layer: int = -1,
    sides: str = "+x-x+y-y+z-z",
    repeat: tuple[float, float] = (1.0, 1.0),
    ambient: float = 1.0,
) -> Mesh:
    """Return an axis-aligned box between two corners with the named sides; each side shows the texture upright."""
    centre, half = (np.add(low, high)) / 2, np.subtract(high, low) / 2
    names = ("+x", "-x", "+y", "-y", "+z", "-z")
    positions, normals, uvs = [], [], []
    faces: list[tuple[int, int, int]] = []
    for name, (normal, right, up) in zip(names, _SIDES, strict=True):
        if name not in sides:
            continue
        start = 4 * len(faces) // 2
        plane = np.array(normal) + _CORNERS[:, :1] * np.array(right) + _CORNERS[:, 1:] * np.array(up)
        positions.append(centre + plane * half)
        normals.append(np.tile(np.array(normal, float), (4, 1)))
        uvs.append((_CORNERS * (1, -1) + 1) / 2 * np.array(repeat))
        faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return surface(
        np.concatenate(positions), np.concatenate(normals), np.array(faces), colour, np.concatenate(uvs), layer, ambient
    )


def lathe(
    profile: FloatArray, segments: int, wraps: float = 2.0
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int64]]:
    """Turn a profile (n, 4) of radius, height, texture v and label 0/1 around z.

    Consecutive profile points with equal position make a crease. Returns positions (v, 3), normals (v, 3),
    uv and label (v, 3), faces (f, 3). The texture wraps ``wraps`` times around, its middle facing +x and -x.
    """
    count = len(profile)
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    step = np.diff(profile[:, :2], axis=0)
    slope = np.stack([step[:, 1], -step[:, 0]], axis=1)
    length = np.linalg.norm(slope, axis=1)
    normal = np.zeros((count, 2))
    for row in range(count):
        near = [slope[k] / length[k] for k in (row - 1, row) if 0 <= k < count - 1 and length[k] > 1e-9]
        total = np.sum(near, axis=0) if near else np.zeros(2)
        normal[row] = total / max(float(np.linalg.norm(total)), 1e-9)
    cos, sin = np.cos(angle), np.sin(angle)
    radius, height = profile[:, 0:1], profile[:, 1:2]
    positions = np.stack([radius * cos, radius * sin, np.broadcast_to(height, (count, segments + 1))], axis=-1)
    normals = np.stack(
        [normal[:, 0:1] * cos, normal[:, 0:1] * sin, np.broadcast_to(normal[:, 1:2], positions.shape[:2])], axis=-1
    )
    across = np.broadcast_to(angle / (2 * np.pi) * wraps + 0.5, positions.shape[:2])
    uv = np.stack(
        [across, np.broadcast_to(profile[:, 2:3], across.shape), np.broadcast_to(profile[:, 3:4], across.shape)],
        axis=-1,
    )
    rows = np.flatnonzero(length > 1e-9)
    a = (rows[:, None] * (segments + 1) + np.arange(segments)).ravel()
    b, c, d = a + 1, a + segments + 1, a + segments + 2
    faces = np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)])
    return positions.reshape(-1, 3), normals.reshape(-1, 3), uv.reshape(-1, 3), faces


@dataclass(frozen=True)
class PackageMesh:
    """A package of unit size: x and y in -0.5..0.5, z in 0..1, label front at +x.

    ``vertices`` (v, 9) float32: position, normal, uv, label (1) or plain cap colour (0).
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.uint32]


def package(shape: ProductShape, fine: bool = True) -> PackageMesh:
    """Return the unit mesh of a package shape, for close by or for far away."""
    if shape is ProductShape.BOX:
        solid = box((-0.5, -0.5, 0.0), (0.5, 0.5, 1.0))
        label = np.ones(len(solid.vertices))
        parts = np.column_stack([solid.vertices["position"], solid.vertices["normal"], solid.vertices["uv"], label])
        return PackageMesh(parts.astype(np.float32), solid.faces)
    if shape is ProductShape.BAG:
        return _bag(9 if fine else 5)
    positions, normals, uv, faces = lathe(_PROFILES[shape, fine], 20 if fine else 8)
    return PackageMesh(np.column_stack([positions, normals, uv]).astype(np.float32), faces.astype(np.uint32))


# Rows of radius, height, texture v, label; two equal places make a crease. Bottoms are seen only in raised hands.
_PROFILES: dict[tuple[ProductShape, bool], FloatArray] = {
    (ProductShape.CAN, True): np.array(
        [
            (0, 0, 1, 0),
            (0.42, 0, 1, 0),
            (0.42, 0, 1, 0),
            (0.5, 0.05, 1, 0),
            (0.5, 0.05, 1, 1),
            (0.5, 0.93, 0, 1),
            (0.5, 0.93, 0, 0),
            (0.43, 0.99, 0, 0),
            (0.40, 1, 0, 0),
            (0.38, 0.97, 0, 0),
            (0.38, 0.97, 0, 0),
            (0, 0.97, 0, 0),
        ]
    ),
    (ProductShape.CAN, False): np.array(
        [
            (0.5, 0, 1, 1),
            (0.5, 0.95, 0, 1),
            (0.5, 0.95, 0, 0),
            (0.42, 1, 0, 0),
            (0.42, 1, 0, 0),
            (0, 1, 0, 0),
        ]
    ),
    (ProductShape.BOTTLE, True): np.array(
        [
            (0, 0, 1, 0),
            (0.47, 0, 1, 0),
            (0.47, 0, 1, 0),
            (0.5, 0.03, 1, 0),
            (0.5, 0.10, 1, 0),
            (0.5, 0.10, 1, 1),
            (0.5, 0.62, 0, 1),
            (0.5, 0.62, 0, 0),
            (0.47, 0.68, 0, 0),
            (0.34, 0.80, 0, 0),
            (0.2, 0.89, 0, 0),
            (0.2, 0.89, 0, 0),
            (0.22, 0.9, 0, 0),
            (0.22, 0.99, 0, 0),
            (0.22, 0.99, 0, 0),
            (0, 1, 0, 0),
        ]
    ),
    (ProductShape.BOTTLE, False): np.array(
        [
            (0.5, 0.0, 1, 0),
            (0.5, 0.10, 1, 0),
            (0.5, 0.10, 1, 1),
            (0.5, 0.62, 0, 1),
            (0.5, 0.62, 0, 0),
            (0.36, 0.79, 0, 0),
            (0.21, 0.88, 0, 0),
            (0.21, 1, 0, 0),
            (0.21, 1, 0, 0),
            (0, 1, 0, 0),
        ]
    ),
    (ProductShape.CUP, True): np.array(
        [
            (0, 0, 1, 0),
            (0.39, 0, 1, 0),
            (0.39, 0, 1, 1),
            (0.48, 0.92, 0, 1),
            (0.48, 0.92, 0, 0),
            (0.5, 0.93, 0, 0),
            (0.5, 0.97, 0, 0),
            (0.5, 0.97, 0, 0),
            (0.45, 1, 0, 0),
            (0, 1, 0, 0),
        ]
    ),
    (ProductShape.CUP, False): np.array(
        [
            (0.39, 0, 1, 1),
            (0.49, 0.94, 0, 1),
            (0.49, 0.94, 0, 0),
            (0.49, 1, 0, 0),
            (0.49, 1, 0, 0),
            (0, 1, 0, 0),
        ]
    ),
}  # fmt: skip


def _bag(across: int) -> PackageMesh:
    """A pillow bag: flat seams at top and bottom, swollen between; the label on front and back."""
    up = across
    y, z = np.meshgrid(np.linspace(-0.5, 0.5, across), np.linspace(0, 1, up), indexing="ij")
    swell = np.sqrt(np.clip(1 - (2 * np.abs(z - 0.5)) ** 2.6, 0, 1)) * np.clip(1 - (2 * np.abs(y)) ** 3.0, 0, 1) ** 0.5
    pinch = 1 - 0.07 * np.sin(np.pi * z)
    index = np.arange(across * up).reshape(across, up)
    a, b, c, d = index[:-1, :-1].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel(), index[:-1, 1:].ravel()
    quads = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    vertices: list[FloatArray] = []
    faces: list[NDArray[np.int64]] = []
    for sign in (1.0, -1.0):
        points = np.stack([sign * 0.5 * swell, sign * y * pinch, z], axis=-1).reshape(-1, 3)
        normals = np.zeros_like(points)
        corners = points[quads]
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        for corner in range(3):
            np.add.at(normals, quads[:, corner], flat)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        uv = np.stack([y + 0.5, 1 - z, np.ones_like(y)], axis=-1).reshape(-1, 3)
        faces.append(quads + len(vertices) * across * up)
        vertices.append(np.column_stack([points, normals, uv]))
    return PackageMesh(np.concatenate(vertices).astype(np.float32), np.concatenate(faces).astype(np.uint32))
