"""The OpenGL side of the renderer: context, programs, textures, and buffers of meshes and packages."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from walkout.simulation import shaders
from walkout.simulation.errors import RendererError
from walkout.simulation.meshes import Mesh, package
from walkout.simulation.occlusion import LightVolume
from walkout.store.model import ProductShape

REMEDY = "install it with `apt-get install libegl1 libgl1-mesa-dri`"
SHAPES = tuple(ProductShape)
Form = tuple[ProductShape, bool]
"""A package's shape, and whether it is drawn in fine detail."""

INSTANCE = np.dtype([("place", "<f4", 4), ("size", "<f4", 3), ("cap", "<f4", 3), ("layer", "<f4"), ("id", "<f4")])
"""A package to draw: store position and yaw, size, colour of the parts without label, texture layer, instance id."""

LOOK = np.dtype([("uv", "<f4", 2), ("colour", "u1", 4), ("layer", "<f4"), ("id", "<f4")])
"""What of a person's vertex does not move, as in ``meshes.VERTEX``."""

_UNITS = {
    "labels": 0,
    "volume": 1,
    "fixed_shadow": 2,
    "live_shadow": 3,
    "still_colour": 4,
    "still_id": 5,
    "still_depth": 6,
}


def open_context() -> Any:
    """Return an off-screen OpenGL context.

    Mesa's software rasteriser gets one thread unless LP_NUM_THREADS says otherwise: one camera's frame is too small to
    share, and other stages need the cores. Raises RendererError when EGL or a driver is missing.
    """
    os.environ.setdefault("LP_NUM_THREADS", "1")
    try:
        context = moderngl.create_context(require=330, standalone=True, backend="egl")  # type: ignore[arg-type]
    except Exception as error:  # moderngl and glcontext raise several kinds, down to plain Exception
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RendererError(f"no off-screen OpenGL 3.3 through EGL ({reason}); {REMEDY}") from error
    return context


@dataclass(frozen=True)
class Light:
    """The light of a scene as the shaders take it: ``view`` (4, 4) from store metres to the shadow map's clip space."""

    direction: NDArray[np.float64]
    tint: tuple[float, float, float]
    view: NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """A framebuffer with colour (BGR and the key light's share), instance ids and depth."""

    frame: Any
    colour: Any
    ids: Any
    depth: Any


class Device:
    """An OpenGL context with everything that does not depend on a scene. Use it in the thread that made it."""

    def __init__(self, layers: NDArray[np.uint8], volume: LightVolume, shadow_size: int) -> None:
        self.context = open_context()
        context = self.context
        self.mesh_programs = _both(context, shaders.MESH_VERTEX)
        self.item_programs = _both(context, shaders.ITEM_VERTEX)
        self.people_program = context.program(shaders.PEOPLE_VERTEX, shaders.PEOPLE)
        self.glass_program = context.program(shaders.MESH_VERTEX, shaders.GLASS)
        self.mesh_depth_program = context.program(shaders.MESH_DEPTH, shaders.NOTHING)
        self.item_depth_program = context.program(shaders.ITEM_DEPTH, shaders.NOTHING)
        self.cast_program = context.program(shaders.FLAT, shaders.CAST)
        self.max_samples = int(context.info["GL_MAX_SAMPLES"])
        count, size = len(layers), layers.shape[1]
        self._labels = context.texture_array((size, size, count), 3, np.ascontiguousarray(layers).tobytes())
        self._labels.build_mipmaps()
        self._labels.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        self._labels.repeat_x = self._labels.repeat_y = True
        nz, ny, nx = volume.values.shape
        self._volume = context.texture3d((nx, ny, nz), 1, volume.values.tobytes(), alignment=1)
        self._volume.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self._volume.repeat_x = self._volume.repeat_y = self._volume.repeat_z = False
        self.fixed_shadow, self._fixed_map = self._shadow_map(2 * shadow_size)
        self.live_shadow, self._live_map = self._shadow_map(shadow_size)
        for program in self._programs():
            for name, unit in _UNITS.items():
                if name in program:
                    program[name] = unit
            _set(program, "volume_low", tuple(volume.low))
            _set(program, "volume_scale", tuple(1.0 / volume.size))
        self._hulls = _BufferSet(
            context, (4096,), lambda hulls: {"cast": context.vertex_array(self.cast_program, [(hulls, "2f", "corner")])}
        )
        self._packages: dict[Form, tuple[Any, Any]] = {}
        for shape in SHAPES:
            for fine in (False, True):
                mesh = package(shape, fine)
                buffers = context.buffer(mesh.vertices.tobytes()), context.buffer(mesh.faces.tobytes())
                self._packages[shape, fine] = buffers

    def _programs(self) -> tuple[Any, ...]:
        shaded = (*self.mesh_programs, *self.item_programs, self.people_program)
        return (*shaded, self.glass_program, self.cast_program)

    def _shadow_map(self, size: int) -> tuple[Any, Any]:
        texture = self.context.depth_texture((size, size))
        texture.compare_func = "<="
        texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return self.context.framebuffer(depth_attachment=texture), texture

    def bind_textures(self) -> None:
        """Bind the textures that every pass shares."""
        self._labels.use(_UNITS["labels"])
        self._volume.use(_UNITS["volume"])
        self._fixed_map.use(_UNITS["fixed_shadow"])
        self._live_map.use(_UNITS["live_shadow"])

    def bind_still(self, target: Target) -> None:
        """Bind a still layer as what shadows are cast on."""
        target.colour.use(_UNITS["still_colour"])
        target.depth.use(_UNITS["still_depth"])

    def set_view(
        self, view_projection: NDArray[np.float64], eye: NDArray[np.float64], light: Light, live: bool
    ) -> None:
        """Set camera and light for the passes that follow: over the still layer, or of things that move."""
        matrix = np.ascontiguousarray(view_projection.T, dtype="f4").tobytes()
        to_map = np.diag([0.5, 0.5, 0.5, 1.0])
        to_map[:3, 3] = 0.5
        light_view = np.ascontiguousarray((to_map @ light.view).T, dtype="f4").tobytes()
        programs = [self.mesh_programs[live], self.item_programs[live], self.glass_program]
        for program in [*programs, self.people_program] if live else programs:
            program["view_projection"].write(matrix)
            _set(program, "eye", tuple(eye))
            _set(program, "light_tint", light.tint)
            _set(program, "light_direction", tuple(light.direction))
            if "light_view" in program:
                program["light_view"].write(light_view)
        _set(self.mesh_programs[live], "shine", 0.0)
        _set(self.item_programs[live], "shine", 0.12)

    def set_shadow_view(self, light: Light) -> None:
        """Set the light as the view of the depth-only passes that follow."""
        matrix = np.ascontiguousarray(light.view.T, dtype="f4").tobytes()
        self.mesh_depth_program["view_projection"].write(matrix)
        self.item_depth_program["view_projection"].write(matrix)

    def cast_shadows(self, triangles: NDArray[np.float32], pixel_to_light: NDArray[np.float64]) -> None:
        """Copy the bound still layer's colours with live shadows on them, in triangles (n, 2) of clip coordinates.

        ``pixel_to_light`` (4, 4) takes window coordinates to the shadow map's clip space.
        """
        to_map = np.diag([0.5, 0.5, 0.5, 1.0])
        to_map[:3, 3] = 0.5
        matrix = np.ascontiguousarray((to_map @ pixel_to_light).T, dtype="f4").tobytes()
        self.cast_program["pixel_to_light"].write(matrix)
        self._hulls.write((np.ascontiguousarray(triangles, dtype=np.float32),))
        self._hulls.arrays["cast"].render(vertices=len(triangles))

    def target(self, width: int, height: int) -> Target:
        """Return a new framebuffer whose attachments can be read by shaders."""
        colour = self.context.texture((width, height), 4)
        ids = self.context.texture((width, height), 1, dtype="u2")
        ids.filter = (moderngl.NEAREST, moderngl.NEAREST)
        depth = self.context.depth_texture((width, height))
        depth.compare_func = ""
        depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        return Target(self.context.framebuffer([colour, ids], depth), colour, ids, depth)

    @property
    def forms(self) -> tuple[Form, ...]:
        """The meshes of packages: every shape, coarse and fine."""
        return tuple(self._packages)

    def package_buffers(self, form: Form) -> tuple[Any, Any]:
        """Return vertex and index buffer of a package."""
        return self._packages[form]


def _both(context: Any, vertex_shader: str) -> tuple[Any, Any]:
    """Return the programs for what stands still and for what moves."""
    return context.program(vertex_shader, shaders.SHADE_STILL), context.program(vertex_shader, shaders.SHADE_LIVE)


def _set(program: Any, name: str, value: object) -> None:
    """Set a uniform unless the compiler found it unused."""
    if name in program:
        program[name] = value


class MeshBuffer:
    """A mesh on the device, replaceable by another."""

    def __init__(self, device: Device, mesh: Mesh | None = None) -> None:
        self._device = device
        self._store = _BufferSet(device.context, (4096, 4096), self._arrays)
        self._count = 0
        if mesh is not None:
            self.set(mesh)

    def _arrays(self, vertices: Any, faces: Any) -> dict[str, Any]:
        device, context = self._device, self._device.context
        layout = (vertices, "3f 3f 2f 4f1 1f 1f", "position", "normal", "uv", "colour", "layer", "id")
        still, live = (context.vertex_array(p, [layout], faces, skip_errors=True) for p in device.mesh_programs)
        glass = context.vertex_array(device.glass_program, [layout], faces, skip_errors=True)
        outline = context.vertex_array(device.mesh_depth_program, [(vertices, "3f 32x", "position")], faces)
        return {"still": still, "live": live, "glass": glass, "outline": outline}

    def set(self, mesh: Mesh) -> None:
        """Replace the mesh."""
        self._count = mesh.faces.size
        self._store.write((np.ascontiguousarray(mesh.vertices), np.ascontiguousarray(mesh.faces)))

    def draw(self, live: bool) -> None:
        """Draw shaded, as what moves or what stands still."""
        self._render("live" if live else "still")

    def draw_glass(self) -> None:
        """Draw as glass."""
        self._render("glass")

    def draw_depth(self) -> None:
        """Draw into a shadow map."""
        self._render("outline")

    def _render(self, name: str) -> None:
        if self._count:
            self._store.arrays[name].render(vertices=self._count)


CROWD_BYTES = 1 << 20
"""Room for a dozen people in each buffer."""


class CrowdBuffer:
    """The surfaces of people on the device: what moves is uploaded for every scene, the rest when people change."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._store = _BufferSet(device.context, (CROWD_BYTES,) * 3, self._arrays)
        self._count = 0

    def _arrays(self, places: Any, looks: Any, faces: Any) -> dict[str, Any]:
        device, context = self._device, self._device.context
        layout = [(places, "3f 3f", "position", "normal"), (looks, "2f 4f1 1f 1f", "uv", "colour", "layer", "id")]
        outline = [(places, "3f 12x", "position")]
        return {
            "shaded": context.vertex_array(device.people_program, layout, faces),
            "outline": context.vertex_array(device.mesh_depth_program, outline, faces),
        }

    def set_looks(self, looks: NDArray[np.void], faces: NDArray[np.uint32]) -> None:
        """Replace what does not depend on poses: ``LOOK`` records (v,) and triangles (f, 3) over all people."""
        self._count = faces.size
        self._store.write((None, looks, faces))

    def set_places(self, places: NDArray[np.float32]) -> None:
        """Replace positions and normals, (v, 6)."""
        self._store.write((places, None, None))

    def draw(self) -> None:
        """Draw shaded."""
        if self._count:
            self._store.arrays["shaded"].render(vertices=self._count)

    def draw_depth(self) -> None:
        """Draw into a shadow map."""
        if self._count:
            self._store.arrays["outline"].render(vertices=self._count)


class PackageBuffer:
    """Packages of every shape on the device, replaceable by others."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stores = {form: _BufferSet(device.context, (4096,), partial(self._arrays, form)) for form in device.forms}
        self._counts = dict.fromkeys(device.forms, 0)

    def _arrays(self, form: Form, instances: Any) -> dict[str, Any]:
        device, context = self._device, self._device.context
        vertices, faces = device.package_buffers(form)
        body = (vertices, "3f 3f 3f", "position", "normal", "uv")
        places = (instances, "4f 3f 3f 1f 1f /i", "place", "size", "cap", "layer", "id")
        still, live = (context.vertex_array(p, [body, places], faces) for p in device.item_programs)
        outline = [(vertices, "3f 24x", "position"), (instances, "4f 3f 20x /i", "place", "size")]
        return {
            "still": still,
            "live": live,
            "outline": context.vertex_array(device.item_depth_program, outline, faces),
        }

    def set(self, instances: NDArray[np.void], shapes: NDArray[np.integer], fine: NDArray[np.bool_]) -> None:
        """Replace the packages: ``INSTANCE`` records, the number of each one's shape in ``SHAPES``, and its detail."""
        for form, store in self._stores.items():
            own = instances[(shapes == SHAPES.index(form[0])) & (fine == form[1])]
            self._counts[form] = len(own)
            if len(own):
                store.write((np.ascontiguousarray(own),))

    def draw(self, live: bool) -> None:
        """Draw shaded, as what moves or what stands still."""
        self._render("live" if live else "still")

    def draw_depth(self) -> None:
        """Draw into a shadow map."""
        self._render("outline")

    def _render(self, name: str) -> None:
        for form, count in self._counts.items():
            if count:
                self._stores[form].arrays[name].render(instances=count)


class _BufferSet:
    """Buffers with the vertex arrays that read them.

    A buffer that has become too small is replaced by another, and so are the vertex arrays: they never refer to memory
    that was given back, whatever a driver makes of a buffer that is resized under them.
    """

    def __init__(self, context: Any, sizes: tuple[int, ...], build: Callable[..., dict[str, Any]]) -> None:
        self._context = context
        self._build = build
        self._buffers = [context.buffer(reserve=size, dynamic=True) for size in sizes]
        self.arrays = build(*self._buffers)

    def write(self, contents: Sequence[NDArray[Any] | None]) -> None:
        """Replace the contents of the buffers; None leaves one as it is, contents included."""
        small = [n for n, data in enumerate(contents) if data is not None and data.nbytes > self._buffers[n].size]
        if small:
            old = [*self.arrays.values(), *(self._buffers[n] for n in small)]
            for number in small:
                data = contents[number]
                assert data is not None
                self._buffers[number] = self._context.buffer(reserve=2 * data.nbytes, dynamic=True)
            self.arrays = self._build(*self._buffers)
            for resource in old:
                resource.release()
        for buffer, data in zip(self._buffers, contents, strict=True):
            if data is not None and data.nbytes:
                buffer.write(data.tobytes())
