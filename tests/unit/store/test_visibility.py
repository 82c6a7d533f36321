import numpy as np
import pytest

from walkout.geometry.camera import intrinsics_from_fov
from walkout.geometry.transforms import look_at
from walkout.store.loader import load_store
from walkout.store.model import Camera, Fixture, FixtureType, Pose2
from walkout.store.visibility import Boxes, ShelfCriterion, blocked, coverage, solid_boxes, visible

CUBE = Boxes(np.eye(4)[None], np.array([[0.0, 0.0, 0.0]]), np.array([[1.0, 1.0, 1.0]]))


@pytest.mark.parametrize(
    ("origin", "point", "hidden"),
    [
        ((-1, 0.5, 0.5), (2, 0.5, 0.5), True),
        ((-1, 0.5, 0.5), (-0.1, 0.5, 0.5), False),
        ((-1, 0.5, 0.5), (0.5, 0.5, 0.5), True),
        ((-1, 2.0, 0.5), (2, 2.0, 0.5), False),
        ((2, 0.5, 0.5), (3, 0.5, 0.5), False),
        ((-1, -1, 0.5), (2, 2, 0.5), True),
        ((0.5, 0.5, 3), (0.5, 1.2, 0.0), True),
        ((0.5, 0.5, 3), (0.5, 1.5, 0.2), False),
    ],
)
def test_a_box_hides_what_lies_behind_or_in_it(origin, point, hidden):
    assert blocked(origin, [point], CUBE)[0] == hidden


def test_blocking_agrees_with_walking_along_the_line():
    rng = np.random.default_rng(3)
    origin = np.array([-0.5, 0.3, 2.0])
    points = rng.uniform(-1.5, 2.5, (300, 3))
    steps = np.linspace(0, 1, 4001)[:, None, None]
    walked = origin + steps * (points - origin)
    inside = ((walked > 0) & (walked < 1)).all(axis=2).any(axis=0)
    # Lines that only graze an edge may pass between two steps.
    assert (blocked(origin, points, CUBE) != inside).mean() < 0.01


def test_a_wall_hides_a_point_from_a_camera_but_a_gate_does_not():
    camera = Camera(
        "c", 640, 480, intrinsics_from_fov(640, 480, 1.5), np.zeros(5), np.array([0.0, 0, 1]),
        look_at([0, 0, 1], [1, 0, 1]), "",
    )  # fmt: skip
    wall = Fixture("w", FixtureType.WALL, Pose2(1.0, 0.0, 0.3), (0.1, 2.0, 2.0))
    gate = Fixture("w", FixtureType.GATE, Pose2(1.0, 0.0, 0.3), (0.1, 2.0, 2.0))
    assert not visible(camera, [[2, 0, 1]], solid_boxes([wall]))[0]
    assert visible(camera, [[2, 0, 1]], solid_boxes([gate]))[0]
    assert not visible(camera, [[-2, 0, 1]], solid_boxes([]))[0]
    assert not visible(camera, [[1, 3, 1]], solid_boxes([]))[0], "outside the picture"


def test_the_corner_shop_is_well_covered():
    seen = coverage(load_store("corner"))
    assert seen.floor_share(2) > 0.999
    assert seen.floor_share(3) > 0.99
    assert seen.shelf_share(1) == 1.0
    assert seen.shelf_share(2) > 0.99


def test_losing_a_camera_costs_coverage():
    from dataclasses import replace

    store = load_store("kiosk")
    fewer = replace(store, cameras=store.cameras[:2])
    assert coverage(fewer).floor_share(3) == 0
    assert coverage(fewer).shelf_share(2) < coverage(store).shelf_share(2)


def test_criterion_refuses_nonsense():
    with pytest.raises(ValueError, match="min_cosine"):
        ShelfCriterion(min_cosine=2)
