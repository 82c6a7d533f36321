"""Pictures of the simulated store, with instance ids and depth, on Mesa's software rasteriser through EGL.

What stands still is drawn once per camera and kept as colour, ids, depth and the share of the key light; a frame
restores only the rectangles that people and moved items cover (putting the people's shadows on them) and draws those.
When an item leaves or joins the still layer, only its rectangle is drawn again, when its camera is next asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import moderngl
import numpy as np
from numpy.typing import NDArray

from walkout.simulation.appearance import palette
from walkout.simulation.bodies import BodyLibrary, PosedBody
from walkout.simulation.device import INSTANCE, SHAPES, Device, Light, MeshBuffer, PackageBuffer, Target
from walkout.simulation.fixtures import fixture_mesh, moving_mesh, room, sample_decor
from walkout.simulation.meshes import VERTEX, Mesh, concatenate
from walkout.simulation.occlusion import light_volume
from walkout.simulation.scene import BODY_PART_ID_BASE, ItemPlace, ItemTable, Lighting, Person, Scene
from walkout.simulation.textures import PATTERN_COUNT, texture_layers
from walkout.simulation.views import (
    LensMap,
    Rectangle,
    bounding,
    clip_matrix,
    lens_map,
    merged,
    metric_depth,
    rectangle_of,
    window_to_clip,
)
from walkout.store.model import Camera, ProductShape, Store

FloatArray = NDArray[np.float64]

_WAITING_ITEMS = 8
"""So many settled items are drawn live before they are put into the still layers together."""
_CAMERA_CACHE = 12
"""So many cameras' still layers are kept."""


@dataclass(frozen=True)
class Rendered:
    """A picture: ``image`` (h, w, 3) uint8 BGR, ``ids`` (h, w) uint16 by scene.py, ``depth`` (h, w) float32 metres.

    Depth is along the optical axis and infinite where nothing is; ids and depth are None unless asked for.
    """

    image: NDArray[np.uint8]
    ids: NDArray[np.uint16] | None = None
    depth: NDArray[np.float32] | None = None


@dataclass
class _StillLayer:
    """One camera's view of what stands still, on the device and read back."""

    camera: Camera
    matrix: FloatArray
    target: Target
    image: NDArray[np.uint8]
    ids: NDArray[np.uint16]
    depth: NDArray[np.float32]
    stale: bool = True
    changed: list[NDArray[np.float32]] = field(default_factory=list)


@dataclass(frozen=True)
class _Live:
    """What of the current scene is drawn in every frame: point clouds that bound each thing and its shadow."""

    clouds: tuple[NDArray[np.float32], ...]


class Renderer:
    """Draws scenes of one store. Make and use it in one thread; ``seed`` chooses the fittings' colours.

    Raises RendererError when this machine has no off-screen OpenGL or a product's picture cannot be read.
    """

    def __init__(self, store: Store, *, seed: int = 0, texture_size: int = 192, shadow_size: int = 768) -> None:
        self.store = store
        rng = np.random.default_rng(seed)
        self._decor = sample_decor(rng)
        self._device = Device(texture_layers(store, texture_size, rng), light_volume(store), shadow_size)
        self._bodies = BodyLibrary.load()
        fixtures = concatenate([fixture_mesh(fixture, self._decor) for fixture in store.fixtures])
        self._room = MeshBuffer(self._device, concatenate([room(store, self._decor), fixtures]))
        self._fixtures = MeshBuffer(self._device, fixtures)
        self._people = MeshBuffer(self._device)
        self._people_mesh = _PeopleMesh(self._bodies)
        self._moving = MeshBuffer(self._device)
        self._moving_glass = MeshBuffer(self._device)
        self._still_moving = MeshBuffer(self._device)
        self._still_glass = MeshBuffer(self._device)
        self._live_items = PackageBuffer(self._device)
        self._still_items = PackageBuffer(self._device)
        self._look = _ProductLook.of(store, texture_size)
        self._layers: dict[bytes, _StillLayer] = {}
        self._works: dict[tuple[int, int], Target] = {}
        self._lenses: dict[bytes, LensMap] = {}
        self._lighting: Lighting | None = None
        self._light = self._light_of(Lighting())
        self._items: ItemTable | None = None
        self._baked = _BakedItems.empty(0)
        self._open: dict[str, float] = {}
        self._scene: Scene | None = None
        self._live = _Live(())

    def render(self, camera: Camera, scene: Scene, ids: bool = False, depth: bool = False) -> Rendered:
        """Return the picture that a camera takes of a scene; its size is the camera's."""
        if camera.distortion.any():
            return self._render_distorted(camera, scene, ids, depth)
        if scene is not self._scene:
            self._prepare(scene)
        layer = self._layer(camera)
        image = layer.image.copy()
        id_image = layer.ids.copy() if ids else None
        depth_image = layer.depth.copy() if depth else None
        rectangles = [r for c in self._live.clouds if (r := rectangle_of(camera, layer.matrix, c)) is not None]
        if rectangles:
            self._draw_live(layer, merged(rectangles), image, id_image, depth_image)
        return Rendered(image, id_image, metric_depth(depth_image) if depth_image is not None else None)

    def _render_distorted(self, camera: Camera, scene: Scene, ids: bool, depth: bool) -> Rendered:
        key = _camera_key(camera)
        lens = self._lenses.get(key)
        if lens is None:
            if len(self._lenses) >= _CAMERA_CACHE:
                self._lenses.pop(next(iter(self._lenses)))
            lens = self._lenses[key] = lens_map(camera)
        ideal = self.render(lens.ideal, scene, ids, depth)
        return Rendered(
            lens.image(ideal.image),
            lens.exact(ideal.ids, 0).astype(np.uint16) if ideal.ids is not None else None,
            lens.exact(ideal.depth, np.inf).astype(np.float32) if ideal.depth is not None else None,
        )

    def _prepare(self, scene: Scene) -> None:
        """Bring lighting, still items, moving fixtures, people and live items up to a scene's state."""
        if scene.lighting != self._lighting:
            self._lighting = scene.lighting
            self._light = self._light_of(scene.lighting)
            self._draw_fixed_shadow()
            self._invalidate()
        if scene.items is not self._items:
            self._items = scene.items
            self._baked = _BakedItems.empty(len(scene.items.product))
            self._invalidate()
        clouds = self._prepare_moving(scene)
        clouds += self._prepare_items(scene.items)
        posed = [self._bodies.pose(person) for person in scene.people]
        self._people.set(self._people_mesh.build(scene.people, posed))
        clouds += [_with_shadow(body.vertices, self._light) for body in posed]
        self._live = _Live(tuple(clouds))
        self._draw_live_shadow()
        self._scene = scene

    def _invalidate(self) -> None:
        for layer in self._layers.values():
            layer.stale = True
            layer.changed.clear()

    def _light_of(self, lighting: Lighting) -> Light:
        direction = np.asarray(lighting.key_direction, dtype=float)
        direction = direction / np.linalg.norm(direction)
        warm = lighting.warmth
        tint = lighting.brightness * np.array([1 + 0.12 * warm, 1.0, 1 - 0.2 * warm])
        return Light(direction, (float(tint[0]), float(tint[1]), float(tint[2])), _light_view(self.store, direction))

    def _prepare_moving(self, scene: Scene) -> list[NDArray[np.float32]]:
        """Doors and leaves stand still when closed and are drawn live while open."""
        state = {}
        for fixture in self.store.fixtures:
            opening = max(scene.doors.get(fixture.fixture_id, 0.0), scene.gates.get(fixture.fixture_id, 0.0))
            mesh = moving_mesh(fixture, opening, self._decor)
            if mesh is not None:
                state[fixture.fixture_id] = (opening, *mesh)
        opened = {name: opening for name, (opening, _, _) in state.items() if opening > 0}
        if opened.keys() != self._open.keys() or not self._layers:
            closed = [
                moving_mesh(self.store.fixture_by_id[n], 0.0, self._decor) for n in opened.keys() ^ self._open.keys()
            ]
            for pair in closed:
                if pair is not None:
                    self._mark(np.concatenate([pair[0].vertices["position"], pair[1].vertices["position"]]))
            still = [(solid, glass) for name, (_, solid, glass) in state.items() if name not in opened]
            self._still_moving.set(concatenate([solid for solid, _ in still]))
            self._still_glass.set(concatenate([glass for _, glass in still]))
        self._open = opened
        live = [(solid, glass) for name, (_, solid, glass) in state.items() if name in opened]
        self._moving.set(concatenate([solid for solid, _ in live]))
        self._moving_glass.set(concatenate([glass for _, glass in live]))
        return [np.concatenate([solid.vertices["position"], glass.vertices["position"]]) for solid, glass in live]

    def _prepare_items(self, items: ItemTable) -> list[NDArray[np.float32]]:
        """Move items between the still layers and the live list; return the clouds of the live ones."""
        settled = (items.place == ItemPlace.SHELF) & ~items.touched
        gone = self._baked.rows & ~(settled & self._baked.same_place(items))
        waiting = settled & ~self._baked.rows
        if waiting.sum() > _WAITING_ITEMS or not self._baked.rows.any():
            self._baked.add(items, waiting)
            self._mark_items(waiting)
        if gone.any():
            self._mark_items(gone)
            self._baked.rows &= ~gone
        live = np.flatnonzero((items.place != ItemPlace.GONE) & ~self._baked.rows)
        instances = self._look.instances(items.product[live], items.position[live], items.yaw[live], live)
        self._live_items.set(instances, self._look.shapes[items.product[live]])
        return [_with_shadow(cloud, self._light) for cloud in _corners(instances)]

    def _mark_items(self, rows: NDArray[np.bool_]) -> None:
        """Have the places of still items drawn again, or everything when they are many."""
        numbers = np.flatnonzero(rows)
        if len(numbers) > 60:
            self._invalidate()
            return
        for cloud in _corners(self._baked.instances(self._look, numbers)):
            self._mark(cloud)

    def _mark(self, cloud: NDArray[np.float32]) -> None:
        for layer in self._layers.values():
            if not layer.stale:
                layer.changed.append(cloud)

    def _layer(self, camera: Camera) -> _StillLayer:
        key = _camera_key(camera)
        layer = self._layers.pop(key, None)
        if layer is None:
            if len(self._layers) >= _CAMERA_CACHE:
                _release(self._layers.pop(next(iter(self._layers))).target)
            height, width = camera.height, camera.width
            layer = _StillLayer(
                camera,
                clip_matrix(camera),
                self._device.target(width, height),
                np.empty((height, width, 3), np.uint8),
                np.empty((height, width), np.uint16),
                np.empty((height, width), np.float32),
            )
        self._layers[key] = layer
        if layer.stale:
            self._bake(layer, (0, 0, camera.width, camera.height))
        elif layer.changed:
            found = [r for c in layer.changed if (r := rectangle_of(camera, layer.matrix, c, 3)) is not None]
            for rectangle in merged(found):
                self._bake(layer, rectangle)
        layer.stale = False
        layer.changed.clear()
        return layer

    def _bake(self, layer: _StillLayer, rectangle: Rectangle) -> None:
        """Draw what stands still into a rectangle of a camera's still layer and read it back."""
        device, target, camera = self._device, layer.target, layer.camera
        device.bind_textures()
        device.set_view(layer.matrix, camera.position, self._light, live=False)
        rows = self._baked.visible(layer, rectangle, self._look)
        self._still_items.set(self._baked.instances(self._look, rows), self._look.shapes[self._baked.product[rows]])
        x0, y0, x1, y1 = rectangle
        target.frame.use()
        target.frame.scissor = (x0, y0, x1 - x0, y1 - y0)
        target.frame.clear(0.02, 0.02, 0.02, 0.0, depth=1.0)
        context = device.context
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        context.front_face = "cw"
        self._room.draw()
        self._still_moving.draw()
        self._still_items.draw()
        self._draw_glass(target, self._still_glass)
        target.frame.scissor = None
        _read(target, rectangle, layer.image, layer.ids, layer.depth)

    def _draw_glass(self, target: Target, glass: MeshBuffer) -> None:
        """Blend glass over the colours; ids and depth stay those of what is behind."""
        context = self._device.context
        target.frame.color_mask = ((True, True, True, False), (False, False, False, False))
        target.frame.depth_mask = False
        context.enable(moderngl.BLEND)
        glass.draw_glass()
        context.disable(moderngl.BLEND)
        target.frame.color_mask = ((True, True, True, True), (True, True, True, True))
        target.frame.depth_mask = True

    def _draw_fixed_shadow(self) -> None:
        device = self._device
        device.set_shadow_view(self._light)
        device.fixed_shadow.use()
        device.context.enable_only(moderngl.DEPTH_TEST)
        device.fixed_shadow.clear(depth=1.0)
        self._fixtures.draw_depth()

    def _draw_live_shadow(self) -> None:
        device = self._device
        device.set_shadow_view(self._light)
        device.live_shadow.use()
        device.context.enable_only(moderngl.DEPTH_TEST)
        device.live_shadow.clear(depth=1.0)
        self._people.draw_depth()
        self._live_items.draw_depth()
        self._moving.draw_depth()

    def _draw_live(
        self,
        layer: _StillLayer,
        rectangles: list[Rectangle],
        image: NDArray[np.uint8],
        ids: NDArray[np.uint16] | None,
        depth: NDArray[np.float32] | None,
    ) -> None:
        """Restore rectangles with the live shadows on them, draw people and live items, and read them back."""
        device, camera = self._device, layer.camera
        size = (camera.width, camera.height)
        if size not in self._works:
            self._works[size] = device.target(*size)
        work = self._works[size]
        device.bind_textures()
        device.bind_still(layer.target)
        device.set_view(layer.matrix, camera.position, self._light, live=True)
        half = np.diag([0.5, 0.5, 0.5, 1.0])
        half[:3, 3] = 0.5
        to_light = half @ self._light.view @ np.linalg.inv(layer.matrix) @ window_to_clip(camera)
        restore = device.restore_program
        restore["pixel_to_light"].write(np.ascontiguousarray(to_light.T, dtype="f4").tobytes())
        restore["shadows"] = 1.0
        context = device.context
        work.frame.use()
        context.enable_only(moderngl.DEPTH_TEST)
        context.depth_func = "1"
        for x0, y0, x1, y1 in rectangles:
            work.frame.scissor = (x0, y0, x1 - x0, y1 - y0)
            device.full_screen.render()
        context.depth_func = "<"
        x0, y0, x1, y1 = bounding(rectangles)
        work.frame.scissor = (x0, y0, x1 - x0, y1 - y0)
        self._people.draw()
        context.enable(moderngl.CULL_FACE)
        context.front_face = "cw"
        self._live_items.draw()
        self._moving.draw()
        if self._open:
            self._draw_glass(work, self._moving_glass)
        work.frame.scissor = None
        for rectangle in rectangles:
            _read(work, rectangle, image, ids, depth)


def _read(
    target: Target,
    rectangle: Rectangle,
    image: NDArray[np.uint8],
    ids: NDArray[np.uint16] | None,
    depth: NDArray[np.float32] | None,
) -> None:
    """Read a rectangle of a framebuffer into the same place of host arrays."""
    x0, y0, x1, y1 = rectangle
    part = (x0, y0, x1 - x0, y1 - y0)
    shape = (y1 - y0, x1 - x0)
    raw = target.frame.read(viewport=part, components=3, alignment=1)
    image[y0:y1, x0:x1] = np.frombuffer(raw, np.uint8).reshape(*shape, 3)
    if ids is not None:
        raw = target.frame.read(viewport=part, components=1, attachment=1, dtype="u2", alignment=1)
        ids[y0:y1, x0:x1] = np.frombuffer(raw, np.uint16).reshape(shape)
    if depth is not None:
        raw = target.frame.read(viewport=part, components=1, attachment=-1, dtype="f4", alignment=1)
        depth[y0:y1, x0:x1] = np.frombuffer(raw, np.float32).reshape(shape)


def _release(target: Target) -> None:
    for resource in (target.frame, target.colour, target.ids, target.depth):
        resource.release()


def _camera_key(camera: Camera) -> bytes:
    numbers = np.concatenate([camera.matrix.ravel(), camera.distortion, camera.position, camera.rotation.ravel()])
    return numbers.tobytes() + bytes(f"{camera.width}x{camera.height}", "ascii")


def _light_view(store: Store, direction: FloatArray) -> FloatArray:
    """Return the orthographic view (4, 4) along the key light that holds everything up to a person's height."""
    helper = np.array([1.0, 0.0, 0.0]) if abs(direction[0]) < 0.7 else np.array([0.0, 1.0, 0.0])
    right = np.cross(helper, direction)
    right /= np.linalg.norm(right)
    up = np.cross(direction, right)
    axes = np.stack([right, up, -direction])
    x0, y0, x1, y1 = store.floor
    corners = np.array([(x, y, z) for x in (x0, x1) for y in (y0, y1) for z in (0.0, 2.2)]) @ axes.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    view = np.eye(4)
    scale = 2 / (high - low)
    view[:3, :3] = axes * scale[:, None]
    view[:3, 3] = -1 - low * scale
    return view


def _with_shadow(points: NDArray[np.float32], light: Light) -> NDArray[np.float32]:
    """Return points together with where they cast their shadows on the floor."""
    direction = light.direction.astype(np.float32)
    fallen = points - points[:, 2:] * (direction / max(direction[2], np.float32(0.2)))
    fallen[:, 2] = 0.0
    return np.concatenate([points, fallen])


def _corners(instances: NDArray[np.void]) -> list[NDArray[np.float32]]:
    """Return a box of 8 points around every package, whatever its yaw."""
    if not len(instances):
        return []
    radius = np.hypot(instances["size"][:, 0], instances["size"][:, 1]) / 2
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (0, 1)], dtype=np.float32)
    extent = np.stack([radius, radius, instances["size"][:, 2]], axis=1)
    boxes = instances["place"][:, None, :3] + signs[None] * extent[:, None]
    return list(boxes.astype(np.float32))


@dataclass(frozen=True)
class _ProductLook:
    """Columns over the store's products: size (p, 3), shape number, cap colour (p, 3)."""

    sizes: NDArray[np.float32]
    shapes: NDArray[np.int64]
    caps: NDArray[np.float32]

    @staticmethod
    def of(store: Store, texture_size: int) -> _ProductLook:
        """Read the products' outlines; bottles are tinted like their labels."""
        del texture_size
        caps = {
            ProductShape.BOX: (0.8, 0.8, 0.8),
            ProductShape.CAN: (0.62, 0.63, 0.66),
            ProductShape.BOTTLE: (0.45, 0.52, 0.55),
            ProductShape.BAG: (0.8, 0.8, 0.8),
            ProductShape.CUP: (0.85, 0.84, 0.82),
        }
        return _ProductLook(
            np.array([product.size for product in store.products], dtype=np.float32).reshape(-1, 3),
            np.array([SHAPES.index(product.shape) for product in store.products], dtype=np.int64),
            np.array([caps[product.shape] for product in store.products], dtype=np.float32).reshape(-1, 3),
        )

    def instances(
        self,
        products: NDArray[np.int32],
        positions: NDArray[np.float32],
        yaws: NDArray[np.float32],
        rows: NDArray[np.integer],
    ) -> NDArray[np.void]:
        """Return the packages to draw for item numbers ``rows``."""
        result = np.zeros(len(rows), INSTANCE)
        result["place"][:, :3], result["place"][:, 3] = positions, yaws
        result["size"], result["cap"] = self.sizes[products], self.caps[products]
        result["layer"], result["id"] = PATTERN_COUNT + products, rows + 1
        return result


@dataclass
class _BakedItems:
    """Which items the still layers show, and where they stood when they were drawn."""

    rows: NDArray[np.bool_]
    product: NDArray[np.int32]
    position: NDArray[np.float32]
    yaw: NDArray[np.float32]

    @staticmethod
    def empty(count: int) -> _BakedItems:
        """Return a state without items."""
        return _BakedItems(
            np.zeros(count, np.bool_),
            np.zeros(count, np.int32),
            np.zeros((count, 3), np.float32),
            np.zeros(count, np.float32),
        )

    def same_place(self, items: ItemTable) -> NDArray[np.bool_]:
        """Return which items stand where they were drawn."""
        same: NDArray[np.bool_] = (self.position == items.position).all(axis=1) & (self.yaw == items.yaw)
        return same & (self.product == items.product)

    def add(self, items: ItemTable, rows: NDArray[np.bool_]) -> None:
        """Take items in, where they stand now."""
        self.rows |= rows
        self.product[rows], self.position[rows], self.yaw[rows] = (
            items.product[rows],
            items.position[rows],
            items.yaw[rows],
        )

    def instances(self, look: _ProductLook, rows: NDArray[np.integer]) -> NDArray[np.void]:
        """Return the packages to draw for some rows."""
        return look.instances(self.product[rows], self.position[rows], self.yaw[rows], rows)

    def visible(self, layer: _StillLayer, rectangle: Rectangle, look: _ProductLook) -> NDArray[np.integer]:
        """Return the rows of the still items that may show in a rectangle of a camera's picture."""
        rows = np.flatnonzero(self.rows)
        sizes = look.sizes[self.product[rows]]
        centres = self.position[rows] + sizes * np.float32([0, 0, 0.5])
        radius = np.linalg.norm(sizes, axis=1) / 2
        camera = layer.camera
        local = (centres - camera.position) @ camera.rotation
        near = np.maximum(local[:, 2] - radius, 0.05)
        pixels = local[:, :2] @ camera.matrix[:2, :2].T / local[:, 2:] + camera.matrix[:2, 2]
        reach = camera.matrix[0, 0] * radius * (1 + np.abs(local[:, :2]).max(axis=1) / near) / near + 2
        x0, y0, x1, y1 = rectangle
        inside = (pixels[:, 0] + reach > x0) & (pixels[:, 0] - reach < x1)
        inside &= (pixels[:, 1] + reach > y0) & (pixels[:, 1] - reach < y1)
        return rows[(local[:, 2] > -radius) & (inside | (local[:, 2] < 2 * radius))]


class _PeopleMesh:
    """Joins posed bodies into one mesh; what does not depend on the pose is kept per person."""

    def __init__(self, bodies: BodyLibrary) -> None:
        self._bodies = bodies
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
            vertices["id"] = BODY_PART_ID_BASE + person.person_id
            found = self._parts[key] = Mesh(vertices, body.mesh.faces)
        return found
