"""Labelled pictures from the simulator's renderer, with everything about them drawn at random."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.geometry.camera import in_image, project
from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.simulation.appearance import sample_appearance
from walkout.simulation.bodies import BodyLibrary, PosedBody
from walkout.simulation.renderer import Rendered, Renderer
from walkout.simulation.scene import BODY_PART_ID_BASE, Appearance, Colour, ItemPlace, ItemTable, Lighting, Scene
from walkout.simulation.stock import Stock
from walkout.store.loader import load_store
from walkout.store.model import Camera, Store
from walkout.training.labels import Labels, Visibility, clip_boxes, mark_outside
from walkout.training.random_crowds import Crowd, CrowdPlacer, Habits, random_lighting, random_openings
from walkout.training.random_stores import CameraRanges, random_camera, random_store
from walkout.training.shards import Sample, shard_numbers, write_shard

Rng = np.random.Generator

INPUT_SIZE = (320, 240)
"""Width and height of the network's input."""

SURFACE_M = np.full(KEYPOINT_COUNT, 0.09)
"""How far a joint lies at most below the skin or clothes that show it; hidden when something is nearer than that."""
SURFACE_M[[Keypoint.HEAD, Keypoint.NECK, Keypoint.LEFT_HIP, Keypoint.RIGHT_HIP]] = 0.16
SURFACE_M[[Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER, Keypoint.LEFT_FOOT, Keypoint.RIGHT_FOOT]] = 0.12

TRAINING_HABITS = Habits(reaching=0.65, complete=0.65, high=0.5, distance=(0.3, 0.72), before=0.1)
"""Training shows more raised arms than a store has: a network that sees few of them tells a hanging arm instead."""

_FILL = 0.62
"""Share of the convex hull of a body's outline that the body fills, on average."""


@dataclass(frozen=True)
class DatasetParameters:
    """``pictures`` in shards of ``shard``; what else there is trades variety for speed.

    A store is stocked, lit and given ``cameras`` ``settings`` times, each time for ``scenes`` crowds: the renderer then
    draws only people, which is several times as fast. Of the views without anybody ``empty_share`` are kept. Cameras
    have one of the resolutions ``cameras_pixels``; pictures are kept at ``size`` (width, height).
    """

    pictures: int = 16000
    shard: int = 200
    settings: int = 3
    cameras: int = 8
    scenes: int = 12
    empty_share: float = 0.15
    seed: int = 1
    workers: int = 2
    cameras_pixels: tuple[tuple[int, int], ...] = CameraRanges().resolutions
    size: tuple[int, int] = INPUT_SIZE

    def __post_init__(self) -> None:
        if min(self.pictures, self.shard, self.settings, self.cameras, self.scenes, self.workers) < 1:
            raise ValueError("all sizes of a data set must be at least 1")


ShardJob = tuple[str, int, DatasetParameters]
"""A folder, the number of a shard to write there, and what it holds."""


def generate(
    folder: Path,
    parameters: DatasetParameters,
    report: Callable[[int, int], None],
    make: Callable[[ShardJob], int] | None = None,
) -> None:
    """Write the shards that are missing, in worker processes; ``report(done, all)`` after each.

    ``make`` writes one shard: pictures and their labels, if it is not given.
    """
    wanted = range(-(-parameters.pictures // parameters.shard))
    missing = [number for number in wanted if number not in set(shard_numbers(folder))]
    done = len(wanted) - len(missing)
    report(done, len(wanted))
    if not missing:
        return
    jobs = [(str(folder), number, parameters) for number in missing]
    context = multiprocessing.get_context("spawn")
    workers = min(parameters.workers, len(jobs))
    # A fresh process per shard gives back what the graphics driver keeps of each store.
    with context.Pool(workers, initializer=_one_render_thread, maxtasksperchild=1) as pool:
        for _ in pool.imap_unordered(make or _make_shard, jobs):
            done += 1
            report(done, len(wanted))


def _one_render_thread() -> None:
    """One process per core renders faster than one process with many threads."""
    os.environ["LP_NUM_THREADS"] = "1"
    cv2.setNumThreads(1)


def _make_shard(job: ShardJob) -> int:
    folder, number, parameters = job
    write_shard(Path(folder), number, list(shard_samples(number, parameters)))
    return number


def shard_samples(number: int, parameters: DatasetParameters) -> Iterator[Sample]:
    """Yield the pictures of a shard, all of random stores."""
    rng = np.random.default_rng([parameters.seed, number])
    catalogue = load_store("corner")
    made = 0
    while made < parameters.shard:
        for sample in random_views(random_store(catalogue, rng), parameters, rng):
            yield sample
            made += 1
            if made == parameters.shard:
                break


def random_views(store: Store, parameters: DatasetParameters, rng: Rng) -> Iterator[Sample]:
    """Yield pictures of one random store: several settings of stock, light and cameras, several crowds each."""
    renderer = Renderer(store, seed=int(rng.integers(1 << 30)))
    placer = CrowdPlacer(store, TRAINING_HABITS)
    for _ in range(parameters.settings):
        items = Stock(store, (float(rng.uniform(0.1, 0.8)), 1.0), rng).table
        lighting = random_lighting(rng)
        points = placer.free_points(parameters.cameras, rng)
        ranges = CameraRanges(resolutions=parameters.cameras_pixels)
        cameras = [random_camera(number, store, point, ranges, rng) for number, point in enumerate(points)]
        for _ in range(parameters.scenes):
            views = _scene_views(renderer, placer, cameras, items, lighting, parameters.empty_share, rng)
            for camera, rendered, scene, posed in views:
                yield labelled(camera, rendered, scene, posed, parameters.size)


def store_views(store: Store, scenes: int, rng: Rng, size: tuple[int, int] = INPUT_SIZE) -> Iterator[Sample]:
    """Yield pictures of a real store's own cameras with random crowds: what the networks are judged on."""
    renderer, placer = Renderer(store), CrowdPlacer(store)
    items = Stock(store, (0.5, 1.0), rng).table
    for _ in range(scenes):
        for camera, rendered, scene, posed in _scene_views(
            renderer, placer, store.cameras, items, Lighting(), 1.0, rng
        ):
            yield labelled(camera, rendered, scene, posed, size)


def _scene_views(
    renderer: Renderer,
    placer: CrowdPlacer,
    cameras: Sequence[Camera],
    items: ItemTable,
    lighting: Lighting,
    empty_share: float,
    rng: Rng,
) -> Iterator[tuple[Camera, Rendered, Scene, list[PosedBody]]]:
    """Yield the views of one random crowd; what people hold is back on the shelves afterwards."""
    bodies = BodyLibrary.load()
    shelved = items.position.copy(), items.yaw.copy()
    scene = random_scene(renderer.store, placer, items, lighting, rng)
    posed = [bodies.pose(person) for person in scene.people]
    for camera in cameras:
        if _sees_anybody(camera, posed) or rng.random() < empty_share:
            yield camera, renderer.render(camera, scene, ids=True, depth=True), scene, posed
    items.place[items.place == ItemPlace.HAND] = ItemPlace.SHELF
    items.position[:], items.yaw[:] = shelved


def _sees_anybody(camera: Camera, posed: list[PosedBody]) -> bool:
    return any(in_image(camera, project(camera, body.joints)[0]).sum() >= 3 for body in posed)


def random_scene(store: Store, placer: CrowdPlacer, items: ItemTable, lighting: Lighting, rng: Rng) -> Scene:
    """Return a scene of a random crowd; what it holds is taken off the shelves of ``items``."""
    crowd = placer.place(items, random_appearance, rng)
    _put_into_hands(items, crowd, store, rng)
    doors, gates = random_openings(store, rng)
    return Scene(0, crowd.people, items, lighting, doors, gates)


def random_appearance(rng: Rng) -> Appearance:
    """Return looks of wider variety than shoppers of the simulator have: sizes down to children, any colours."""
    usual = sample_appearance(rng)
    scale = usual.scale * (rng.uniform(0.72, 0.9) if rng.random() < 0.08 else rng.uniform(0.96, 1.05))
    if rng.random() < 0.5:
        return replace(usual, scale=scale)
    top, bottom, shoes, bag = (_any_colour(rng) for _ in range(4))
    return replace(usual, scale=scale, top=top, bottom=bottom, shoes=shoes, bag_colour=bag)


def _any_colour(rng: Rng) -> Colour:
    red, green, blue = (float(value) for value in rng.uniform(0.01, 0.95, 3) ** 1.7)
    return red, green, blue


def _put_into_hands(items: ItemTable, crowd: Crowd, store: Store, rng: Rng) -> None:
    bodies = BodyLibrary.load()
    for person, rows in zip(crowd.people, crowd.held, strict=True):
        posed = bodies.pose(person)
        for hand, row in enumerate(rows):
            if row >= 0:
                height = store.products[int(items.product[row])].size[2]
                items.position[row] = posed.palms[hand] - [0.0, 0.0, height * rng.uniform(0.4, 0.6)]
                items.yaw[row] = posed.palm_yaw[hand] + rng.normal(0, 0.3)


def labelled(
    camera: Camera, rendered: Rendered, scene: Scene, posed: list[PosedBody], size: tuple[int, int] = INPUT_SIZE
) -> Sample:
    """Return a rendered picture at a ``size`` (width, height) of the camera's shape, and what is true of it."""
    image = rendered.image
    if size != (camera.width, camera.height):
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return Sample(image, make_labels(camera, rendered, scene, posed, size))


def make_labels(
    camera: Camera, rendered: Rendered, scene: Scene, posed: list[PosedBody], size: tuple[int, int] = INPUT_SIZE
) -> Labels:
    """Return what is true of a rendered picture, in pixels of the picture at ``size`` (width, height)."""
    assert rendered.ids is not None
    assert rendered.depth is not None
    scale = size[0] / camera.width
    boxes, seen, joints, share, pixels = [], [], [], [], []
    for person, body in zip(scene.people, posed, strict=True):
        outline, _ = project(camera, body.vertices)
        outline = outline[np.isfinite(outline).all(axis=1)]
        mask = rendered.ids == BODY_PART_ID_BASE + person.person_id
        visible = int(mask.sum())
        if visible < 8 or len(outline) < 3:
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        boxes.append([*outline.min(axis=0), *outline.max(axis=0)])
        seen.append([columns[0], rows[0], columns[-1], rows[-1]])
        joints.append(_joints(camera, rendered.depth, body))
        share.append(min(visible / max(_hull_pixels(outline, camera) * _FILL, 1.0), 1.0))
        pixels.append(visible * scale * scale)
    if not boxes:
        return Labels.empty()
    scaled_joints = np.array(joints, dtype=np.float32)
    scaled_joints[:, :, :2] = (scaled_joints[:, :, :2] + 0.5) * scale - 0.5
    return Labels(
        clip_boxes((np.array(boxes, np.float32) + 0.5) * scale - 0.5, *size),
        clip_boxes((np.array(seen, np.float32) + 0.5) * scale - 0.5, *size),
        mark_outside(scaled_joints, *size),
        np.array(share, np.float32),
        np.array(pixels, np.float32),
    )


def _joints(camera: Camera, depth: NDArray[np.float32], body: PosedBody) -> NDArray[np.float64]:
    """Return (12, 3): pixel x, y and Visibility by the depth picture; joints behind the camera lie far outside."""
    pixel, distance = project(camera, body.joints)
    known = np.asarray(np.isfinite(pixel).all(axis=1))
    place = np.where(known[:, None], pixel, -1e4)
    column = np.clip(np.rint(place[:, 0]), 0, camera.width - 1).astype(np.intp)
    row = np.clip(np.rint(place[:, 1]), 0, camera.height - 1).astype(np.intp)
    covered = depth[row, column] < distance - SURFACE_M
    return np.column_stack([place, np.where(covered, Visibility.HIDDEN, Visibility.SEEN)])


def _hull_pixels(outline: NDArray[np.float64], camera: Camera) -> float:
    """Return how many pixels of the picture the convex hull of points covers."""
    hull = cv2.convexHull(np.clip(outline, -4000, 4000).astype(np.float32))
    frame = np.array([[0, 0], [camera.width, 0], [camera.width, camera.height], [0, camera.height]], np.float32)
    area, _ = cv2.intersectConvexConvex(hull, frame)
    return float(area)
