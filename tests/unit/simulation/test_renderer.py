from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from small_store import build_store, camera_at, person, stock

from walkout.geometry.camera import project
from walkout.simulation import device
from walkout.simulation.bodies import BodyLibrary
from walkout.simulation.errors import RendererError
from walkout.simulation.fixtures import sample_decor
from walkout.simulation.renderer import Renderer
from walkout.simulation.scene import BODY_PART_ID_BASE, BodyPose, ItemPlace, ItemTable, Lighting, Scene
from walkout.simulation.textures import Pattern, texture_layers
from walkout.simulation.views import resized
from walkout.store.model import Store

CAMERA = camera_at((2.6, 2.1, 1.9), (0.4, 2.0, 0.7))
STANDING = person(BodyPose(1.3, 1.5, np.pi))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return build_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def shared(store: Store) -> Iterator[Renderer]:
    try:
        renderer = Renderer(store, texture_size=64, shadow_size=256)
    except RendererError as error:
        pytest.skip(f"no off-screen OpenGL here: {error}")
    yield renderer
    renderer.close()


def scene(*people: Any, items: ItemTable | None = None, **more: Any) -> Scene:
    return Scene(0, tuple(people), items if items is not None else stock(), **more)


def centroid(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


def test_arrays_are_as_promised(shared: Renderer) -> None:
    rendered = shared.render(CAMERA, scene(STANDING), ids=True, depth=True)
    assert rendered.image.shape == (240, 320, 3)
    assert rendered.image.dtype == np.uint8
    assert rendered.image.flags.c_contiguous
    assert rendered.image.flags.writeable
    assert rendered.ids is not None
    assert rendered.ids.dtype == np.uint16
    assert rendered.depth is not None
    assert rendered.depth.dtype == np.float32
    plain = shared.render(CAMERA, scene(STANDING))
    assert plain.ids is None
    assert plain.depth is None
    assert np.array_equal(plain.image, rendered.image)


@pytest.mark.parametrize("distortion", [(0.0, 0.0, 0.0, 0.0, 0.0), (-0.22, 0.06, 0.001, -0.002, 0.0)])
def test_items_are_where_the_camera_model_projects_them(shared: Renderer, distortion: tuple[float, ...]) -> None:
    camera = camera_at((2.0, 2.1, 1.5), (0.4, 2.0, 0.7), distortion=distortion)
    items = stock(3)
    items.product[:] = 0  # boxes: their silhouette is the hull of eight projected corners
    items.position[:, 1] = (1.62, 2.02, 2.38)  # clear of the lane dividers
    rendered = shared.render(camera, scene(items=items), ids=True)
    assert rendered.ids is not None
    for row in range(3):
        corners = np.array([(x, y, z) for x in (-0.04, 0.04) for y in (-0.04, 0.04) for z in (0.0, 0.16)])
        pixels, _ = project(camera, items.position[row] + corners)
        expected = np.zeros(rendered.ids.shape, np.uint8)
        hull = cv2.convexHull(pixels.astype(np.float32))[:, 0]
        cv2.fillConvexPoly(expected, np.round(hull * 64).astype(np.int32), 1, shift=6)
        assert np.abs(centroid(rendered.ids == row + 1) - centroid(expected > 0)).max() < 0.6


def test_depth_is_along_the_optical_axis(shared: Renderer) -> None:
    camera = camera_at((2.0, 2.0, 2.2), (2.0, 2.01, 0.0))
    depth = shared.render(camera, scene(), depth=True).depth
    assert depth is not None
    centre = np.array([camera.matrix[1, 2], camera.matrix[0, 2]]).round().astype(int)
    assert depth[tuple(centre)] == pytest.approx(2.2, abs=0.01)


def test_depth_and_ids_of_people(shared: Renderer) -> None:
    rendered = shared.render(CAMERA, scene(STANDING), ids=True, depth=True)
    assert rendered.ids is not None
    assert rendered.depth is not None
    body = rendered.ids == BODY_PART_ID_BASE + STANDING.person_id
    pixels, depths = project(CAMERA, BodyLibrary.load().pose(STANDING).vertices)
    inside = (pixels >= 0).all(axis=1) & (pixels < (319, 239)).all(axis=1)
    x0, y0 = pixels[inside].min(axis=0)
    x1, y1 = pixels[inside].max(axis=0)
    rows, columns = np.nonzero(body)
    assert abs(columns.min() - x0) <= 1.5
    assert abs(columns.max() - x1) <= 1.5
    assert abs(rows.min() - y0) <= 1.5
    assert abs(rows.max() - y1) <= 1.5
    assert rendered.depth[body].min() >= depths.min() - 0.01
    assert rendered.depth[body].max() <= depths.max() + 0.01


def test_the_kept_layer_gives_the_same_picture_as_a_fresh_renderer(shared: Renderer, store: Store) -> None:
    items = stock()
    shared.render(CAMERA, scene(STANDING, items=items))
    items.place[4], items.touched[4] = ItemPlace.HAND, True
    items.position[4] = (1.2, 2.2, 1.1)
    items.touched[7] = True
    items.position[7, 0] -= 0.08
    items.version += 1
    later = scene(STANDING, items=items, doors={"f": 0.7}, gates={"x": 0.4})
    kept = shared.render(CAMERA, later, ids=True, depth=True)
    renderer = Renderer(store, texture_size=64, shadow_size=256)
    fresh = renderer.render(CAMERA, later, ids=True, depth=True)
    renderer.close()
    assert np.array_equal(kept.image, fresh.image)
    assert np.array_equal(kept.ids, fresh.ids)
    assert np.array_equal(kept.depth, fresh.depth)


def test_moving_an_item_changes_the_picture_only_there(shared: Renderer) -> None:
    items = stock()
    before = shared.render(CAMERA, scene(items=items), ids=True)
    pixels_before = before.ids == 6
    items.place[5], items.touched[5] = ItemPlace.GONE, True
    items.version += 1
    after = shared.render(CAMERA, scene(items=items), ids=True)
    assert not (after.ids == 6).any()
    rows, columns = np.nonzero(pixels_before)
    changed_rows, changed_columns = np.nonzero((before.image != after.image).any(axis=2))
    assert len(changed_rows) > 0.5 * len(rows)
    assert changed_rows.min() >= rows.min() - 2
    assert changed_rows.max() <= rows.max() + 2
    assert changed_columns.min() >= columns.min() - 2
    assert changed_columns.max() <= columns.max() + 2


def test_settled_items_return_to_the_kept_layer(shared: Renderer) -> None:
    items = stock()
    shared.render(CAMERA, scene(items=items))
    items.touched[:] = True
    items.version += 1
    live = shared.render(CAMERA, scene(items=items), ids=True)
    items.touched[:] = False
    settled = shared.render(CAMERA, scene(items=items), ids=True)
    assert np.mean(live.ids != settled.ids) < 0.01
    assert set(np.unique(settled.ids)) >= set(range(1, 13))


def test_people_cast_shadows_on_the_floor(shared: Renderer) -> None:
    empty = shared.render(CAMERA, scene(), ids=True)
    with_person = shared.render(CAMERA, scene(STANDING), ids=True)
    floor = (with_person.ids == 0) & (empty.ids == 0)
    darker = empty.image.astype(int).sum(axis=2) - with_person.image.astype(int).sum(axis=2)
    assert (darker[floor] >= 0).all()
    assert (darker[floor] > 20).sum() > 50


def test_a_shadow_is_seen_of_somebody_out_of_view(shared: Renderer) -> None:
    # The lens sees the floor beside the feet, where the key light throws the shadow, and nothing of the person.
    camera = camera_at((0.75, 1.3, 0.9), (0.76, 1.3, 0.0), focal=400.0)
    empty = shared.render(camera, scene())
    rendered = shared.render(camera, scene(person(BodyPose(1.25, 1.5, 0.0))), ids=True)
    assert not (rendered.ids >= BODY_PART_ID_BASE).any()
    assert (rendered.image.astype(int) < empty.image.astype(int) - 8).any()


def test_lighting_changes_brightness_and_colour(shared: Renderer) -> None:
    normal = shared.render(CAMERA, scene(STANDING)).image.reshape(-1, 3).mean(axis=0)
    dark = shared.render(CAMERA, scene(STANDING, lighting=Lighting(brightness=0.5))).image.reshape(-1, 3).mean(axis=0)
    warm = shared.render(CAMERA, scene(STANDING, lighting=Lighting(warmth=1.0))).image.reshape(-1, 3).mean(axis=0)
    assert (dark < 0.85 * normal).all()
    assert warm[2] / warm[0] > 1.1 * normal[2] / normal[0]


def test_open_doors_and_gates_show(shared: Renderer) -> None:
    camera = camera_at((2.0, 0.6, 2.0), (2.0, 3.6, 0.9))
    closed = shared.render(camera, scene()).image
    assert (shared.render(camera, scene(doors={"f": 1.0})).image != closed).any(axis=2).mean() > 0.01
    assert np.array_equal(shared.render(camera, scene()).image, closed)


def test_the_seed_chooses_the_fittings(store: Store) -> None:
    def fittings(seed: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(seed)
        return sample_decor(rng), texture_layers(store, 32, rng)

    (first, layers), (same, same_layers), (other, other_layers) = fittings(1), fittings(1), fittings(2)
    assert first == same
    assert np.array_equal(layers, same_layers)
    assert first != other
    assert not np.array_equal(layers[Pattern.FLOOR], other_layers[Pattern.FLOOR])


def test_a_main_stream_sees_the_same_scene(shared: Renderer) -> None:
    large = resized(CAMERA, 640, 480)
    small_ids = shared.render(CAMERA, scene(STANDING), ids=True).ids
    large_ids = shared.render(large, scene(STANDING), ids=True).ids
    assert large_ids.shape == (480, 640)
    # Pixel edges scale: pixel (x, y) of the small picture covers 2x, 2x + 1 of the large one.
    number = BODY_PART_ID_BASE + STANDING.person_id
    assert np.abs(centroid(large_ids == number) - (2 * centroid(small_ids == number) + 0.5)).max() < 0.5


def test_somebody_right_under_the_lens_is_drawn(shared: Renderer) -> None:
    camera = camera_at((1.3, 1.5, 1.6), (1.3, 1.52, 0.0))
    assert (shared.render(camera, scene(STANDING), ids=True).ids == BODY_PART_ID_BASE + 7).any()


def test_without_egl_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> Any:
        raise ImportError("libEGL.so: cannot open shared object file")

    monkeypatch.setattr(device.moderngl, "create_context", missing)
    with pytest.raises(RendererError, match=r"apt-get install libegl1 libgl1-mesa-dri") as caught:
        device.open_context()
    assert "\n" not in str(caught.value)


def test_a_missing_label_is_named(store: Store, shared: Renderer) -> None:
    del shared
    product = dataclasses.replace(store.products[0], image="nowhere.png")
    broken = dataclasses.replace(store, products=(product, *store.products[1:]))
    with pytest.raises(RendererError, match=rf"{Path('nowhere.png')}.*box"):
        Renderer(broken, texture_size=64, shadow_size=256)
