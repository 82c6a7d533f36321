from __future__ import annotations

import numpy as np
import pytest

from walkout.simulation.scene import BodyPose
from walkout.simulation.stock import Stock
from walkout.store.loader import load_store
from walkout.store.model import Store
from walkout.training.dataset import TRAINING_HABITS, random_appearance
from walkout.training.random_crowds import HIGH_LANE_M, CrowdPlacer, Habits
from walkout.training.random_stores import random_store


@pytest.fixture(scope="module")
def store() -> Store:
    return random_store(load_store("corner"), np.random.default_rng(5))


def poses(store: Store, habits: Habits | None, scenes: int = 40) -> list[BodyPose]:
    rng = np.random.default_rng(1)
    items = Stock(store, (0.5, 1.0), rng).table
    placer = CrowdPlacer(store, habits)
    crowds = [placer.place(items, random_appearance, rng) for _ in range(scenes)]
    return [person.pose for crowd in crowds for person in crowd.people]


def targets(pose: BodyPose) -> list[tuple[float, float, float]]:
    return [target for target in (pose.left_target, pose.right_target) if target is not None]


def test_training_shows_more_hands_in_high_shelves_than_a_store_has(store: Store) -> None:
    def share(habits: Habits | None) -> float:
        return float(np.mean([any(t[2] >= HIGH_LANE_M for t in targets(pose)) for pose in poses(store, habits)]))

    assert share(TRAINING_HABITS) > 1.4 * share(None)


def test_habits_decide_where_people_stand(store: Store) -> None:
    near, far = (poses(store, Habits(reaching=1.0, distance=(d, d + 0.01))) for d in (0.35, 0.65))
    reach = [
        np.median([np.hypot(t[0] - p.x, t[1] - p.y) for p in people for t in targets(p)]) for people in (near, far)
    ]
    assert reach[1] - reach[0] == pytest.approx(0.3, abs=0.12)
