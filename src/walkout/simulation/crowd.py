"""What moves in a scene: people as one mesh, and where cameras see live things and their shadows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.appearance import palette
from walkout.simulation.bodies import PosedBody, WornMesh
from walkout.simulation.device import Light
from walkout.simulation.garments import Material
from walkout.simulation.meshes import VERTEX, Mesh, concatenate
from walkout.simulation.scene import BODY_PART_ID_BASE, Person
from walkout.simulation.textures import CLOTH_LAYERS, CLOTH_REPEAT_M, Cloth
from walkout.simulation.views import Rectangle, bounding, hull_triangles, rectangle_of, windowed
from walkout.store.model import Camera

FloatArray = NDArray[np.float64]


class Crowd:
    """Joins posed bodies into one mesh; what does not depend on the pose is kept per person."""

    def __init__(self) -> None:
        self._parts: dict[tuple[int, object], Mesh] = {}

    def build(self, people: tuple[Person, ...], posed: list[PosedBody]) -> Mesh:
        """Return everybody's surface in the store frame."""
        templates = [self._template(person, body) for person, body in zip(people, posed, strict=True)]
        if len(self._parts) > 4 * max(len(people), 16):
            self._parts.clear()
        mesh = concatenate(templates)
        if posed:
            mesh.vertices["position"] = np.concatenate([body.vertices for body in posed])
            mesh.vertices["normal"] = np.concatenate([body.normals for body in posed])
        return mesh

    def _template(self, person: Person, body: PosedBody) -> Mesh:
        key = (person.person_id, person.appearance)
        found = self._parts.get(key)
        if found is None:
            vertices = np.zeros(len(body.vertices), VERTEX)
            colours = palette(person.appearance)[body.mesh.materials]
            vertices["colour"][:, :3] = np.round(np.clip(colours, 0, 1) * 255)
            vertices["layer"] = -1
            cloth = Cloth(person.appearance.pattern % len(Cloth))
            if cloth is not Cloth.PLAIN:
                _print_cloth(vertices, body.mesh, cloth)
            vertices["id"] = BODY_PART_ID_BASE + person.person_id
            found = self._parts[key] = Mesh(vertices, body.mesh.faces)
        return found


def _print_cloth(vertices: NDArray[np.void], mesh: WornMesh, cloth: Cloth) -> None:
    """Lay a pattern around the top, as seen from the front and from the back of the body at rest."""
    top = mesh.materials == Material.TOP
    rest = mesh.vertices[top]
    middle = np.array([0.5, 0.5 + 0.86 * np.quantile(rest[:, 2], 0.9) / CLOTH_REPEAT_M[cloth]])
    around = np.arctan2(rest[:, 1], rest[:, 0]) * 0.16 if cloth is not Cloth.PRINTED else rest[:, 1]
    uv = np.stack([around / CLOTH_REPEAT_M[cloth], -rest[:, 2] / CLOTH_REPEAT_M[cloth]], axis=1) + middle
    vertices["uv"][top] = np.clip(uv, 0.0, 1.0) if cloth is Cloth.PRINTED else uv
    vertices["layer"][top] = CLOTH_LAYERS[cloth]


@dataclass(frozen=True)
class Seen:
    """Where a camera sees something live: its pixels with its shadow, and triangles around its shadow."""

    rectangle: Rectangle | None
    shadow: NDArray[np.float32]


@dataclass(frozen=True)
class Cloud:
    """Points (n, 3) of something live, and points whose hull holds both it and its shadow."""

    points: NDArray[np.float32]
    shade: NDArray[np.float32]

    def seen(self, camera: Camera, matrix: FloatArray) -> Seen:
        """Return where a camera sees it."""
        shade = windowed(camera, matrix, self.shade)
        body = rectangle_of(camera, windowed(camera, matrix, self.points))
        around = rectangle_of(camera, shade, 6)
        if body is None or around is None:
            return Seen(body or around, hull_triangles(camera, shade))
        return Seen(bounding([body, around]), hull_triangles(camera, shade))


def cloud_of(points: NDArray[np.float32], light: Light) -> Cloud:
    """Return something live with its shadow on the floor; some of its points are enough for the soft shadow."""
    some = points[:: 1 + len(points) // 300]
    direction = light.direction.astype(np.float32)
    fallen = some - some[:, 2:] * (direction / max(direction[2], np.float32(0.2)))
    fallen[:, 2] = 0.0
    return Cloud(points, np.concatenate([some, fallen]))
