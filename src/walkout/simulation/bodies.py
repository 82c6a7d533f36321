"""People: bodies baked by ``bake_bodies``, dressed, posed and skinned with numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.simulation.bake_bodies import ASSET
from walkout.simulation.extras import Figure, Piece, backpack, bun, curtain, skirt
from walkout.simulation.garments import OUTFITS, Hair, Layer, Material, Outfit, dress, hollows_filled
from walkout.simulation.kinematics import Skeleton, Targets, Vector
from walkout.simulation.scene import Appearance, Person
from walkout.simulation.skeleton import Bone

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

_BOX_MARGIN_M = 0.4
"""How far skin, clothes, hair and bags reach beyond the outermost joints at most."""
_POSE_CACHE = 48
"""So many poses are kept: the world asks for hands and the renderer for surfaces of the same people."""

_KEYPOINT_BONES = {
    Keypoint.LEFT_SHOULDER: Bone.LEFT_UPPER_ARM,
    Keypoint.RIGHT_SHOULDER: Bone.RIGHT_UPPER_ARM,
    Keypoint.LEFT_ELBOW: Bone.LEFT_FOREARM,
    Keypoint.RIGHT_ELBOW: Bone.RIGHT_FOREARM,
    Keypoint.LEFT_WRIST: Bone.LEFT_HAND,
    Keypoint.RIGHT_WRIST: Bone.RIGHT_HAND,
    Keypoint.LEFT_HIP: Bone.LEFT_THIGH,
    Keypoint.RIGHT_HIP: Bone.RIGHT_THIGH,
}


@dataclass(frozen=True)
class WornMesh:
    """A dressed body at rest: ``vertices`` (v, 3), triangles ``faces`` (f, 3), materials (v,), and how it is skinned.

    ``spread`` (v, 4 bones) holds each vertex's homogeneous rest place times its weights, ``tilt`` (v, 3 bones) its
    normal times its weights: both turn the stacked transposed bone matrices into surface points by one sparse product.
    """

    vertices: Float32Array
    faces: NDArray[np.uint32]
    materials: NDArray[np.uint8]
    spread: csr_matrix
    tilt: csr_matrix


@dataclass(frozen=True)
class PosedBody:
    """A person's joints and surface in the store frame, metres.

    ``joints`` (12, 3) in the order of ``Keypoint``, ``palms`` (2, 3) left and right: the middle of what each hand
    grips; ``palm_yaw`` (2,) the heading of each hand on the floor; ``reach_error`` (2,): how far each wrist stays from
    where it was meant to be. ``mesh`` is the dressed body at rest; its surface is skinned when it is first asked for.
    """

    joints: FloatArray
    palms: FloatArray
    palm_yaw: FloatArray
    reach_error: tuple[float, float]
    mesh: WornMesh
    _rest: FloatArray
    _rotations: FloatArray
    _heads: FloatArray
    _scale: float

    @cached_property
    def surface(self) -> tuple[Float32Array, Float32Array]:
        """Vertices and unit normals, (v, 3) float32 each."""
        return _skin(self.mesh, self._rest, self._rotations, self._heads, self._scale)

    @cached_property
    def bounds(self) -> Float32Array:
        """Corners (8, 3) of a box around the person, known without the surface."""
        low, high = self._heads.min(axis=0) - _BOX_MARGIN_M, self._heads.max(axis=0) + _BOX_MARGIN_M
        ends = np.stack([low, high]).astype(np.float32)
        return np.array([(ends[i, 0], ends[j, 1], ends[k, 2]) for i in (0, 1) for j in (0, 1) for k in (0, 1)])

    @property
    def vertices(self) -> Float32Array:
        """The surface's points (v, 3) float32."""
        return self.surface[0]

    @property
    def normals(self) -> Float32Array:
        """The surface's normals (v, 3) float32."""
        return self.surface[1]


class BodyLibrary:
    """The baked bodies. Poses are functions of the person alone; meshes are cached per body, outfit and hair."""

    def __init__(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        self.names = tuple(str(name) for name in arrays["names"])
        self._vertices = arrays["vertices"].astype(np.float64)
        self._faces = arrays["faces"].astype(np.int64)
        weights = arrays["weights"].astype(np.float64)
        self._weights = weights / weights.sum(axis=1, keepdims=True)
        self._fields = arrays["fields"].astype(np.float64)
        self._eyes = arrays["eyes"].astype(np.bool_)
        self._joints = arrays["joints"].astype(np.float64)
        self._skeletons = [self._skeleton(body) for body in range(len(self.names))]
        self._meshes: dict[tuple[int, int, int, bool], WornMesh] = {}
        self._layers: dict[tuple[int, int, bool], list[Layer]] = {}
        self._poses: dict[Person, PosedBody] = {}
        head = self._weights[:, Bone.HEAD] > 0.5
        skulls = self._vertices[:, head]
        self._skull = (skulls.max(axis=1) + skulls.min(axis=1)) / 2 - self._joints[:, Bone.HEAD]
        self._grips = np.stack([self._grip_offsets(side) for side in (0, 1)], axis=1)

    @staticmethod
    @lru_cache(maxsize=1)
    def load(path: Path = ASSET) -> BodyLibrary:
        """Return the library that is shipped with the simulator (read once per process)."""
        with np.load(path) as archive:
            return BodyLibrary(dict(archive))

    def __len__(self) -> int:
        """Return the number of bodies."""
        return len(self.names)

    def stature(self, appearance: Appearance) -> float:
        """Return a person's height in metres, standing."""
        return self._skeletons[appearance.body].stature * appearance.scale

    def cycle_length(self, appearance: Appearance, stride: float = 1.0) -> float:
        """Return the metres walked while ``gait_phase`` runs through 2 pi, so that the feet do not slide."""
        return self._skeletons[appearance.body].cycle_length * appearance.scale * stride

    def mesh(self, appearance: Appearance) -> WornMesh:
        """Return the dressed body at rest."""
        key = (appearance.body, appearance.outfit, appearance.hair_style, appearance.bag)
        found = self._meshes.get(key)
        if found is None:
            found = self._meshes[key] = self._wear(*key)
        return found

    def pose(self, person: Person) -> PosedBody:
        """Return a person's surface, joints and palms in the store frame; the last few poses are kept."""
        found = self._poses.get(person)
        if found is None:
            if len(self._poses) >= _POSE_CACHE:
                self._poses.pop(next(iter(self._poses)))
            found = self._poses[person] = self._pose(person)
        return found

    def _pose(self, person: Person) -> PosedBody:
        appearance, pose = person.appearance, person.pose
        skeleton = self._skeletons[appearance.body]
        mesh = self.mesh(appearance)
        cos, sin = math.cos(pose.yaw), math.sin(pose.yaw)
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        origin = np.array([pose.x, pose.y, 0.0])

        def local(target: Vector | None) -> Vector | None:
            if target is None:
                return None
            x, y, z = ((np.asarray(target) - origin) @ turn / appearance.scale).tolist()
            return (x, y, z)

        targets = Targets(
            (local(pose.left_target), local(pose.right_target)),
            (pose.left_weight, pose.right_weight),
            (pose.left_carry, pose.right_carry),
        )
        stance = skeleton.solve(pose.gait_phase, pose.stride, pose.head_yaw, targets)
        rotations = turn @ stance.rotations
        heads = (stance.heads @ turn.T) * appearance.scale + origin
        palms = (
            heads[[Bone.LEFT_HAND, Bone.RIGHT_HAND]]
            + appearance.scale
            * (rotations[[Bone.LEFT_HAND, Bone.RIGHT_HAND]] @ self._grips[appearance.body][..., None])[..., 0]
        )
        away = palms - heads[[Bone.LEFT_HAND, Bone.RIGHT_HAND]]
        # A hand that hangs straight down has the body's heading.
        yaws = np.arctan2(away[:, 1] + 0.03 * sin, away[:, 0] + 0.03 * cos)
        return PosedBody(
            self._keypoints(appearance.body, rotations, heads, appearance.scale),
            palms,
            yaws,
            (stance.reach_error[0] * appearance.scale, stance.reach_error[1] * appearance.scale),
            mesh,
            skeleton.rest,
            rotations,
            heads,
            appearance.scale,
        )

    def _keypoints(self, body: int, rotations: FloatArray, heads: FloatArray, scale: float) -> FloatArray:
        joints = np.empty((KEYPOINT_COUNT, 3))
        joints[list(_KEYPOINT_BONES)] = heads[list(_KEYPOINT_BONES.values())]
        joints[Keypoint.HEAD] = heads[Bone.HEAD] + scale * (rotations[Bone.HEAD] @ self._skull[body])
        joints[Keypoint.NECK] = heads[Bone.NECK]
        joints[Keypoint.LEFT_FOOT] = (heads[Bone.LEFT_FOOT] + heads[Bone.LEFT_TOES]) / 2
        joints[Keypoint.RIGHT_FOOT] = (heads[Bone.RIGHT_FOOT] + heads[Bone.RIGHT_TOES]) / 2
        return joints

    def _skeleton(self, body: int) -> Skeleton:
        points, joints = self._vertices[body], self._joints[body]
        hips = self._weights[:, [Bone.HIPS, Bone.LEFT_THIGH, Bone.RIGHT_THIGH]].sum(axis=1) > 0.5
        return Skeleton(joints, float(points[:, 2].max()), float(np.abs(points[hips, 1]).max()))

    def _grip_offsets(self, side: int) -> FloatArray:
        """Return where each body's hand grips things, relative to its wrist at rest (bodies, 3)."""
        hand, fingers, tips = (self._joints[:, bone + 6 * side] for bone in (9, 10, 11))
        along, bend = fingers - hand, tips - fingers
        inwards = bend - along * ((bend * along).sum(1) / (along * along).sum(1))[:, None]
        inwards /= np.linalg.norm(inwards, axis=1, keepdims=True)
        grip: FloatArray = 0.95 * along + 0.045 * inwards
        return grip

    def _wear(self, body: int, outfit_number: int, hair_number: int, bag: bool) -> WornMesh:
        outfit, hair = OUTFITS[outfit_number % len(OUTFITS)], Hair(hair_number % len(Hair))
        key = (outfit_number, hair_number, bag)
        if key not in self._layers:
            self._layers[key] = dress(self._fields, self._faces, self._eyes, outfit, hair, bag)
        points = self._vertices[body]
        normals = vertex_normals(points, self._faces)
        parts = [_fit(layer, points, normals, self._weights) for layer in self._layers[key]]
        parts += self._extras(body, outfit, hair, bag)
        sizes = np.cumsum([0] + [len(part.points) for part, _ in parts])
        faces = np.concatenate([part.faces + offset for (part, _), offset in zip(parts, sizes, strict=False)])
        materials = np.concatenate([np.full(len(part.points), material) for part, material in parts])
        vertices = np.concatenate([part.points for part, _ in parts])
        normals = np.concatenate([vertex_normals(part.points, part.faces) for part, _ in parts])
        weights = np.concatenate([part.weights for part, _ in parts])
        weights[weights < 0.02] = 0.0
        weights /= weights.sum(axis=1, keepdims=True)
        homogeneous = np.column_stack([vertices, np.ones(len(vertices))])
        return WornMesh(
            vertices.astype(np.float32),
            faces.astype(np.uint32),
            materials.astype(np.uint8),
            csr_matrix((weights[:, :, None] * homogeneous[:, None]).reshape(len(vertices), -1), dtype=np.float32),
            csr_matrix((weights[:, :, None] * normals[:, None]).reshape(len(vertices), -1), dtype=np.float32),
        )

    def _extras(self, body: int, outfit: Outfit, hair: Hair, bag: bool) -> list[tuple[Piece, Material]]:
        figure = Figure(self._vertices[body], self._fields, self._weights, self._joints[body])
        extras = []
        if outfit.skirt:
            waist, ease = (
                (outfit.hem + 0.12, outfit.ease + 0.004) if outfit.skirt_is_top else (0.24, outfit.ease + 0.006)
            )
            material = Material.TOP if outfit.skirt_is_top else Material.BOTTOM
            extras.append((skirt(figure, waist, outfit.skirt, ease), material))
        if hair is Hair.LONG:
            extras.append((curtain(figure, 0.45), Material.HAIR))
        if hair is Hair.BUN:
            extras.append((bun(figure), Material.HAIR))
        if bag:
            extras.append((backpack(figure), Material.BAG))
        return extras


def _fit(layer: Layer, points: FloatArray, normals: FloatArray, weights: FloatArray) -> tuple[Piece, Material]:
    """Return a layer on a body, and its material."""
    mix, faces = layer.patch.mix, layer.patch.faces
    outward = mix @ normals
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    place = mix @ points
    if layer.smooth:
        place = hollows_filled(place, outward, faces, layer.smooth)
    return Piece(place + layer.ease[:, None] * outward, mix @ weights, faces), layer.material


def vertex_normals(points: FloatArray, faces: NDArray[np.int64]) -> FloatArray:
    """Return unit normals (v, 3), weighted by the areas of the triangles that meet."""
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    area = np.cross(b - a, c - a)
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], area)
    # Where all triangles have collapsed any direction will do.
    normals[np.abs(normals).max(axis=1) < 1e-12] = (0.0, 0.0, 1.0)
    unit: FloatArray = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return unit


def _skin(
    mesh: WornMesh, rest: FloatArray, rotations: FloatArray, heads: FloatArray, scale: float
) -> tuple[Float32Array, Float32Array]:
    """Return vertices and normals (v, 3) by linear blend skinning."""
    turned = np.ascontiguousarray(rotations.transpose(0, 2, 1), dtype=np.float32)
    bones = np.empty((len(rest), 4, 3), dtype=np.float32)
    bones[:, :3] = turned * np.float32(scale)
    bones[:, 3] = heads - scale * (rotations @ rest[..., None])[..., 0]
    return mesh.spread @ bones.reshape(-1, 3), mesh.tilt @ turned.reshape(-1, 3)
