"""What moves in a scene: people as one mesh, and where cameras see live things and their shadows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.appearance import palette
from walkout.simulation.bodies import PosedBody, WornMesh
from walkout.simulation.device import LOOK, CrowdBuffer, Light
from walkout.simulation.garments import Material
from walkout.simulation.scene import BODY_PART_ID_BASE, Appearance, Person
from walkout.simulation.textures import CLOTH_LAYERS, CLOTH_REPEAT_M, Cloth
from walkout.simulation.views import Rectangle, bounding, homogeneous, hull_triangles, rectangle_of, windowed
from walkout.store.model import Camera

FloatArray = NDArray[np.float64]


class Crowd:
    """The people of a scene on the device."""

    def __init__(self, buffer: CrowdBuffer) -> None:
        self._buffer = buffer
        self._shown: tuple[tuple[int, Appearance], ...] = ()
        self._looks: dict[tuple[int, Appearance], NDArray[np.void]] = {}
        self._places = np.zeros((0, 6), np.float32)

    def show(self, people: tuple[Person, ...], posed: list[PosedBody]) -> None:
        """Replace everybody; only positions and normals are sent while the same people are shown."""
        shown = tuple((person.person_id, person.appearance) for person in people)
        if shown != self._shown:
            self._shown = shown
            self._looks = {
                key: self._looks[key] if key in self._looks else _look(*key, body.mesh)
                for key, body in zip(shown, posed, strict=True)
            }
            sizes = np.cumsum([0] + [len(body.mesh.vertices) for body in posed]).astype(np.uint32)
            faces = [body.mesh.faces + offset for body, offset in zip(posed, sizes[:-1], strict=True)]
            looks = [self._looks[key] for key in shown]
            self._buffer.set_looks(
                np.concatenate(looks) if looks else np.zeros(0, LOOK),
                np.concatenate(faces) if faces else np.zeros((0, 3), np.uint32),
            )
            self._places = np.empty((int(sizes[-1]), 6), np.float32)
        start = 0
        for body in posed:
            vertices, normals = body.surface
            self._places[start : start + len(vertices), :3] = vertices
            self._places[start : start + len(vertices), 3:] = normals
            start += len(vertices)
        self._buffer.set_places(self._places)


def _look(person_id: int, appearance: Appearance, mesh: WornMesh) -> NDArray[np.void]:
    looks = np.zeros(len(mesh.vertices), LOOK)
    looks["colour"][:, :3] = np.round(np.clip(palette(appearance)[mesh.materials], 0, 1) * 255)
    looks["layer"] = -1
    looks["id"] = BODY_PART_ID_BASE + person_id
    cloth = Cloth(appearance.pattern % len(Cloth))
    if cloth is not Cloth.PLAIN:
        _print_cloth(looks, mesh, cloth)
    return looks


def _print_cloth(looks: NDArray[np.void], mesh: WornMesh, cloth: Cloth) -> None:
    """Lay a pattern around the top, as seen from the front and from the back of the body at rest."""
    top = mesh.materials == Material.TOP
    rest = mesh.vertices[top]
    middle = np.array([0.5, 0.5 + 0.86 * np.quantile(rest[:, 2], 0.9) / CLOTH_REPEAT_M[cloth]])
    around = np.arctan2(rest[:, 1], rest[:, 0]) * 0.16 if cloth is not Cloth.PRINTED else rest[:, 1]
    uv = np.stack([around / CLOTH_REPEAT_M[cloth], -rest[:, 2] / CLOTH_REPEAT_M[cloth]], axis=1) + middle
    looks["uv"][top] = np.clip(uv, 0.0, 1.0) if cloth is Cloth.PRINTED else uv
    looks["layer"][top] = CLOTH_LAYERS[cloth]


@dataclass(frozen=True)
class Seen:
    """Where a camera sees something live: its pixels with its shadow, and triangles around its shadow."""

    rectangle: Rectangle | None
    shadow: NDArray[np.float32]


@dataclass(frozen=True)
class Cloud:
    """Points of something live, and points whose hull holds both it and its shadow; homogeneous, (4, n) each."""

    points: NDArray[np.float32]
    shade: NDArray[np.float32]

    def seen(self, camera: Camera, matrix: FloatArray) -> Seen:
        """Return where a camera sees it."""
        shade = windowed(camera, matrix, self.shade)
        body = rectangle_of(camera, windowed(camera, matrix, self.points))
        around = rectangle_of(camera, shade, 8)
        if body is None or around is None:
            return Seen(body or around, hull_triangles(camera, shade, 8.0))
        return Seen(bounding([body, around]), hull_triangles(camera, shade, 8.0))


def cloud_of(points: NDArray[np.float32], light: Light) -> Cloud:
    """Return something live with its shadow on the floor; some of its points are enough for the soft shadow."""
    some = points[:: 1 + len(points) // 160]
    direction = light.direction.astype(np.float32)
    fallen = some - some[:, 2:] * (direction / max(direction[2], np.float32(0.2)))
    fallen[:, 2] = 0.0
    return Cloud(homogeneous(points), homogeneous(np.concatenate([some, fallen])))
