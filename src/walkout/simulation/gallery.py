"""Write pictures of a store with sample people, to look at: ``python -m walkout.simulation.gallery --out DIR``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from walkout.simulation.appearance import sample_appearance
from walkout.simulation.errors import RendererError
from walkout.simulation.renderer import Renderer
from walkout.simulation.scene import BodyPose, ItemPlace, ItemTable, Person, Scene
from walkout.simulation.sensor import SensorModel, SensorParameters
from walkout.simulation.stock import Stock
from walkout.simulation.views import resized
from walkout.store.loader import load_store
from walkout.store.model import FixtureType, Store

_STANDING_OFF_M = 0.42
"""How far shoppers stand from the front of the shelf they reach into."""


def sample_people(
    store: Store, items: ItemTable, reaching: int, walking: int, rng: np.random.Generator
) -> tuple[Person, ...]:
    """Return people who reach for items on shelves, and people who walk in the open floor."""
    people: list[Person] = []
    sites = [site for site in store.lane_sites.values() if site.fixture.type is not FixtureType.COFFEE_MACHINE]
    for number in rng.permutation(len(sites)):
        if len(people) == reaching:
            break
        site = sites[int(number)]
        distance = np.linalg.norm(items.position - site.position, axis=1)
        distance[items.place != ItemPlace.SHELF] = np.inf
        outward = site.transform[:3, 0]
        front = site.position + outward * (site.fixture.size[0] / 2 - site.shelf.x)
        wrist = items.position[int(distance.argmin())] + outward * 0.14 + np.array([0.0, 0.0, 0.05])
        spot = front + outward * _STANDING_OFF_M
        if any(np.hypot(spot[0] - other.pose.x, spot[1] - other.pose.y) < 0.6 for other in people):
            continue
        yaw = float(np.arctan2(-outward[1], -outward[0]))
        target = (float(wrist[0]), float(wrist[1]), float(wrist[2]))
        right = bool(rng.random() < 0.7)
        arm = {"right_target": target, "right_weight": 1.0} if right else {"left_target": target, "left_weight": 1.0}
        pose = BodyPose(float(spot[0]), float(spot[1]), yaw, **arm)  # type: ignore[arg-type]
        people.append(Person(len(people) + 1, sample_appearance(rng, body=int(rng.integers(6))), pose))
    x0, y0, x1, y1 = store.floor
    tries = 0
    while len(people) < reaching + walking and tries < 500:
        tries += 1
        x, y = rng.uniform((x0 + 0.4, y0 + 0.4), (x1 - 0.4, y1 - 0.4)).tolist()
        if any(np.hypot(x - other.pose.x, y - other.pose.y) < 0.7 for other in people) or not _is_free(store, x, y):
            continue
        phase, carry = float(rng.uniform(0, 2 * np.pi)), float(rng.random() < 0.4)
        pose = BodyPose(x, y, float(rng.uniform(-3, 3)), phase, float(rng.random() < 0.7), right_carry=carry)
        people.append(Person(len(people) + 1, sample_appearance(rng), pose))
    return tuple(people)


def _is_free(store: Store, x: float, y: float) -> bool:
    for fixture in store.fixtures:
        local = np.linalg.inv(fixture.pose.matrix) @ (x, y, 0.0, 1.0)
        if abs(local[0]) < fixture.size[0] / 2 + 0.35 and abs(local[1]) < fixture.size[1] / 2 + 0.35:
            return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one picture per camera, its instance ids in false colours with ``--ids``; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m walkout.simulation.gallery", description=__doc__)
    parser.add_argument("--store", default="corner", help="a store's name or folder (default: corner)")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    parser.add_argument("--seed", type=int, default=0, help="chooses people, stock and fittings (default: 0)")
    parser.add_argument("--reaching", type=int, default=4, help="people at shelves (default: 4)")
    parser.add_argument("--walking", type=int, default=3, help="people who walk (default: 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="resolution against the cameras' own (default: 1)")
    parser.add_argument("--ids", action="store_true", help="write instance ids in false colours too")
    parser.add_argument("--sensor", action="store_true", help="add a cheap camera's blur, vignetting and noise")
    given = parser.parse_args(arguments)
    try:
        store = load_store(given.store)
        renderer = Renderer(store, seed=given.seed)
    except (RendererError, ValueError, OSError) as error:
        print(f"gallery: {error}", file=sys.stderr)
        return 1
    rng = np.random.default_rng(given.seed)
    items = Stock(store, (0.6, 1.0), rng).table
    scene = Scene(0, sample_people(store, items, given.reaching, given.walking, rng), items)
    sensor = SensorModel(SensorParameters(), given.seed)
    colours = np.random.default_rng(1).integers(60, 255, (1 << 16, 3)).astype(np.uint8)
    colours[0] = 0
    given.out.mkdir(parents=True, exist_ok=True)
    for camera in store.cameras:
        view = resized(camera, round(camera.width * given.scale), round(camera.height * given.scale))
        rendered = renderer.render(view, scene, ids=given.ids)
        image = sensor.apply(rendered.image) if given.sensor else rendered.image
        cv2.imwrite(str(given.out / f"{camera.camera_id}.png"), image)
        if rendered.ids is not None:
            cv2.imwrite(str(given.out / f"{camera.camera_id}_ids.png"), colours[rendered.ids])
    print(f"{len(store.cameras)} pictures in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
