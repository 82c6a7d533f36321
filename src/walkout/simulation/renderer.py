"""Pictures of the simulated store, with instance ids and depth, on Mesa's software rasteriser through EGL.

What stands still is drawn once per camera and kept as colour, ids, depth and the share of the key light; a frame
restores only the rectangles that people and moved items cover (putting the people's shadows on them) and draws those.
When an item leaves or joins the still layer, only its rectangle is drawn again, when its camera is next asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from walkout.simulation.bodies import BodyLibrary, PosedBody
from walkout.simulation.crowd import Cloud, Crowd, cloud_of
from walkout.simulation.device import CrowdBuffer, Device, Light, MeshBuffer, PackageBuffer, Target
from walkout.simulation.fixtures import fixture_mesh, moving_mesh, room, sample_decor
from walkout.simulation.meshes import Mesh, concatenate
from walkout.simulation.occlusion import light_volume
from walkout.simulation.packages import BakedItems, ProductLook, corners
from walkout.simulation.props import prop_mesh
from walkout.simulation.scene import ItemPlace, ItemTable, Lighting, Scene
from walkout.simulation.textures import texture_layers
from walkout.simulation.views import (
    LensMap,
    Rectangle,
    clip_matrix,
    homogeneous,
    lens_map,
    light_view,
    merged,
    metric_depth,
    rectangle_of,
    window_to_clip,
    windowed,
)
from walkout.store.model import Camera, Fixture, Store

FloatArray = NDArray[np.float64]

_WAITING_ITEMS = 3
"""So many settled items are drawn live before they are put into the still layers together."""
_CAMERA_CACHE = 12
"""So many cameras' still layers are kept."""
_ON, _OFF = (True, True, True, True), (False, False, False, False)
_COLOUR_AND_IDS = (_ON, _ON)
_COLOUR_ALONE = (_ON, _OFF)
_COLOUR_WITHOUT_SHARE = ((True, True, True, False), _OFF)


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


class Renderer:
    """Draws scenes of one store. Make and use it in one thread; ``seed`` chooses the fittings' colours.

    Raises RendererError when this machine has no off-screen OpenGL or a product's picture cannot be read.
    """

    def __init__(self, store: Store, *, seed: int = 0, texture_size: int = 192, shadow_size: int = 512) -> None:
        self.store = store
        rng = np.random.default_rng(seed)
        self._decor = sample_decor(rng)
        layers = texture_layers(store, texture_size, rng)
        self._device = Device(layers, light_volume(store), shadow_size)
        self._bodies = BodyLibrary.load()
        fixtures = concatenate([fixture_mesh(fixture, self._decor) for fixture in store.fixtures])
        self._room = MeshBuffer(self._device, concatenate([room(store, self._decor), fixtures]))
        self._fixtures = MeshBuffer(self._device, fixtures)
        self._people = CrowdBuffer(self._device)
        self._crowd = Crowd(self._people)
        self._moving = MeshBuffer(self._device)
        self._moving_glass = MeshBuffer(self._device)
        self._still_moving = MeshBuffer(self._device)
        self._still_glass = MeshBuffer(self._device)
        self._props = MeshBuffer(self._device)
        self._live_items = PackageBuffer(self._device)
        self._still_items = PackageBuffer(self._device)
        self._look = ProductLook.of(store, layers)
        self._layers: dict[bytes, _StillLayer] = {}
        self._works: dict[tuple[int, int], Target] = {}
        self._lenses: dict[bytes, LensMap] = {}
        self._lighting: Lighting | None = None
        self._light = self._light_of(Lighting())
        self._items: ItemTable | None = None
        self._baked = BakedItems.empty(0)
        self._items_version: int | None = None
        self._items_touched: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._with_moving_parts = [f for f in store.fixtures if moving_mesh(f, 0.0, self._decor) is not None]
        self._openings: dict[str, float] = {}
        self._moving_clouds: list[Cloud] = []
        self._scene: Scene | None = None
        self._clouds: list[Cloud] = []
        self._posed: list[PosedBody] = []
        self._reaches: list[NDArray[np.float32]] = []
        self._shown: list[int] | None = None
        self._people_clouds: list[Cloud] = []

    def render(self, camera: Camera, scene: Scene, ids: bool = False, depth: bool = False) -> Rendered:
        """Return the picture that a camera takes of a scene; its size is the camera's."""
        # Another renderer of this thread may have left its own context current.
        with self._device.context:
            return self._render(camera, scene, ids, depth)

    def close(self) -> None:
        """Give the OpenGL context and its memory back."""
        self._device.context.release()

    def _render(self, camera: Camera, scene: Scene, ids: bool, depth: bool) -> Rendered:
        if camera.distortion.any():
            return self._render_distorted(camera, scene, ids, depth)
        if scene is not self._scene:
            self._prepare(scene)
        layer = self._layer(camera)
        image = layer.image.copy()
        id_image = layer.ids.copy() if ids else None
        depth_image = layer.depth.copy() if depth else None
        views = [cloud.seen(camera, layer.matrix) for cloud in [*self._clouds, *self._people_in_view(layer, scene)]]
        rectangles = merged([view.rectangle for view in views if view.rectangle is not None])
        if rectangles:
            shadows = np.concatenate([view.shadow for view in views])
            self._draw_live(layer, rectangles, shadows, image, id_image, depth_image)
        return Rendered(image, id_image, metric_depth(depth_image) if depth_image is not None else None)

    def _render_distorted(self, camera: Camera, scene: Scene, ids: bool, depth: bool) -> Rendered:
        key = _camera_key(camera)
        lens = self._lenses.get(key)
        if lens is None:
            if len(self._lenses) >= _CAMERA_CACHE:
                self._lenses.pop(next(iter(self._lenses)))
            lens = self._lenses[key] = lens_map(camera)
        ideal = self._render(lens.ideal, scene, ids, depth)
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
            self._openings = {}
            self._invalidate()
        if scene.items is not self._items:
            self._items = scene.items
            self._baked = BakedItems.empty(len(scene.items.product))
            self._items_version = None
            self._invalidate()
        clouds = [*self._prepare_moving(scene), *self._prepare_items(scene.items), *self._prepare_props(scene)]
        self._clouds = clouds
        self._posed = [self._bodies.pose(person) for person in scene.people]
        self._reaches = [cloud_of(body.bounds, self._light).shade for body in self._posed]
        self._shown = None
        self._scene = scene

    def _people_in_view(self, layer: _StillLayer, scene: Scene) -> list[Cloud]:
        """Put the people on the device of whom, or of whose shadows, a camera may see something."""
        windows = [windowed(layer.camera, layer.matrix, reach) for reach in self._reaches]
        chosen = [n for n, window in enumerate(windows) if rectangle_of(layer.camera, window, 4) is not None]
        if chosen != self._shown:
            self._shown = chosen
            posed = [self._posed[number] for number in chosen]
            self._crowd.show(tuple(scene.people[number] for number in chosen), posed)
            self._people_clouds = [cloud_of(body.vertices, self._light) for body in posed]
            self._draw_live_shadow()
        return self._people_clouds

    def _invalidate(self) -> None:
        for layer in self._layers.values():
            layer.stale = True
            layer.changed.clear()

    def _light_of(self, lighting: Lighting) -> Light:
        direction = np.asarray(lighting.key_direction, dtype=float)
        direction = direction / np.linalg.norm(direction)
        warm = lighting.warmth
        tint = lighting.brightness * np.array([1 + 0.12 * warm, 1.0, 1 - 0.2 * warm])
        return Light(
            direction, (float(tint[0]), float(tint[1]), float(tint[2])), light_view(self.store.floor, direction)
        )

    def _prepare_moving(self, scene: Scene) -> list[Cloud]:
        """Doors and leaves stand still when closed and are drawn live while open."""
        openings = {
            fixture.fixture_id: max(scene.doors.get(fixture.fixture_id, 0.0), scene.gates.get(fixture.fixture_id, 0.0))
            for fixture in self._with_moving_parts
        }
        if openings == self._openings:
            return self._moving_clouds
        changed = {name for name, opening in openings.items() if (opening > 0) != (self._openings.get(name, 1.0) > 0)}
        state = {
            fixture.fixture_id: self._moving_parts(fixture, openings[fixture.fixture_id])
            for fixture in self._with_moving_parts
        }
        if changed:
            for fixture in self._with_moving_parts:
                if fixture.fixture_id in changed:
                    self._mark(_outline(*self._moving_parts(fixture, 0.0)))
            still = [parts for name, parts in state.items() if openings[name] <= 0]
            self._still_moving.set(concatenate([solid for solid, _ in still]))
            self._still_glass.set(concatenate([glass for _, glass in still]))
        live = [parts for name, parts in state.items() if openings[name] > 0]
        self._moving.set(concatenate([solid for solid, _ in live]))
        self._moving_glass.set(concatenate([glass for _, glass in live]))
        self._openings = openings
        self._moving_clouds = [cloud_of(_outline(solid, glass), self._light) for solid, glass in live]
        return self._moving_clouds

    def _moving_parts(self, fixture: Fixture, opening: float) -> tuple[Mesh, Mesh]:
        parts = moving_mesh(fixture, opening, self._decor)
        if parts is None:
            raise ValueError(f"fixture {fixture.fixture_id} has no moving parts")
        return parts

    def _prepare_items(self, items: ItemTable) -> list[Cloud]:
        """Move items between the still layers and the live list; return the clouds of the live ones."""
        if items.version != self._items_version or not np.array_equal(items.touched, self._items_touched):
            self._items_version, self._items_touched = items.version, items.touched.copy()
            self._sort_items(items)
        live = np.flatnonzero((items.place != ItemPlace.GONE) & ~self._baked.rows)
        instances = self._look.instances(items.product[live], items.position[live], items.yaw[live], live)
        self._live_items.set(instances, self._look.shapes[items.product[live]], np.ones(len(live), np.bool_))
        return [cloud_of(box, self._light) for box in corners(instances)]

    def _prepare_props(self, scene: Scene) -> list[Cloud]:
        meshes = [prop_mesh(prop) for prop in scene.props]
        self._props.set(concatenate(meshes))
        return [cloud_of(mesh.vertices["position"], self._light) for mesh in meshes]

    def _sort_items(self, items: ItemTable) -> None:
        """Decide which items stand still, and have the places drawn again where that changed."""
        settled = (items.place == ItemPlace.SHELF) & ~items.touched
        gone = self._baked.rows & ~(settled & self._baked.same_place(items))
        waiting = settled & ~(self._baked.rows & ~gone)
        if gone.any():
            self._mark_items(gone)
            self._baked.rows &= ~gone
        if waiting.sum() > _WAITING_ITEMS or not self._baked.rows.any():
            self._baked.add(items, waiting)
            self._mark_items(waiting)

    def _mark_items(self, rows: NDArray[np.bool_]) -> None:
        """Have the places of still items drawn again, or everything when they are many."""
        numbers = np.flatnonzero(rows)
        if len(numbers) > 60:
            self._invalidate()
            return
        for cloud in corners(self._baked.instances(self._look, numbers)):
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
            windows = [windowed(camera, layer.matrix, homogeneous(cloud)) for cloud in layer.changed]
            found = [r for window in windows if (r := rectangle_of(camera, window, 3)) is not None]
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
        rows, fine = self._baked.visible(camera, rectangle, self._look)
        self._still_items.set(
            self._baked.instances(self._look, rows), self._look.shapes[self._baked.product[rows]], fine
        )
        x0, y0, x1, y1 = rectangle
        target.frame.use()
        target.frame.scissor = (x0, y0, x1 - x0, y1 - y0)
        target.frame.clear(*self._ceiling(), 0.0, depth=1.0)
        context = device.context
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        context.front_face = "cw"
        self._room.draw(live=False)
        self._still_moving.draw(live=False)
        self._still_items.draw(live=False)
        self._draw_glass(target, self._still_glass)
        target.frame.scissor = None
        _read(target, rectangle, layer.image, layer.ids, layer.depth)

    def _ceiling(self) -> tuple[float, float, float]:
        """Return the colour (BGR) of what lies above the walls."""
        red, green, blue = np.sqrt(np.clip(0.55 * np.array(self._light.tint), 0, 1)).tolist()
        return blue, green, red

    def _draw_glass(self, target: Target, glass: MeshBuffer) -> None:
        """Blend glass over the colours; ids and depth stay those of what is behind."""
        context = self._device.context
        target.frame.color_mask = _COLOUR_WITHOUT_SHARE
        target.frame.depth_mask = False
        context.enable(moderngl.BLEND)
        glass.draw_glass()
        context.disable(moderngl.BLEND)
        target.frame.color_mask = _COLOUR_AND_IDS
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
        self._props.draw_depth()

    def _draw_live(
        self,
        layer: _StillLayer,
        rectangles: list[Rectangle],
        shadows: NDArray[np.float32],
        image: NDArray[np.uint8],
        ids: NDArray[np.uint16] | None,
        depth: NDArray[np.float32] | None,
    ) -> None:
        """Draw live shadows, people and items over a copy of the still layer, and read the rectangles back."""
        device, camera = self._device, layer.camera
        size = (camera.width, camera.height)
        if size not in self._works:
            self._works[size] = device.target(*size)
        work = self._works[size].frame
        context = device.context
        context.copy_framebuffer(work, layer.target.frame)
        device.bind_textures()
        device.bind_still(layer.target)
        work.use()
        context.enable_only(moderngl.NOTHING)
        work.color_mask = _COLOUR_ALONE
        work.depth_mask = False
        device.cast_shadows(shadows, self._light.view @ np.linalg.inv(layer.matrix) @ window_to_clip(camera))
        work.color_mask = _COLOUR_AND_IDS
        work.depth_mask = True
        device.set_view(layer.matrix, camera.position, self._light, live=True)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        context.front_face = "cw"
        self._people.draw()
        self._live_items.draw(live=True)
        self._props.draw(live=True)
        self._moving.draw(live=True)
        if self._moving_clouds:
            self._draw_glass(self._works[size], self._moving_glass)
        for rectangle in rectangles:
            _read(self._works[size], rectangle, image, ids, depth)


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
    # Mesa reads four components ten times as fast as three.
    raw = target.frame.read(viewport=part, components=4, alignment=1)
    image[y0:y1, x0:x1] = cv2.cvtColor(np.frombuffer(raw, np.uint8).reshape(*shape, 4), cv2.COLOR_BGRA2BGR)
    if ids is not None:
        raw = target.frame.read(viewport=part, components=1, attachment=1, dtype="u2", alignment=1)
        ids[y0:y1, x0:x1] = np.frombuffer(raw, np.uint16).reshape(shape)
    if depth is not None:
        raw = target.frame.read(viewport=part, components=1, attachment=-1, dtype="f4", alignment=1)
        depth[y0:y1, x0:x1] = np.frombuffer(raw, np.float32).reshape(shape)


def _outline(solid: Mesh, glass: Mesh) -> NDArray[np.float32]:
    """Return the corners (n, 3) of a moving part."""
    return np.concatenate([solid.vertices["position"], glass.vertices["position"]])


def _release(target: Target) -> None:
    for resource in (target.frame, target.colour, target.ids, target.depth):
        resource.release()


def _camera_key(camera: Camera) -> bytes:
    numbers = np.concatenate([camera.matrix.ravel(), camera.distortion, camera.position, camera.rotation.ravel()])
    return numbers.tobytes() + bytes(f"{camera.width}x{camera.height}", "ascii")
