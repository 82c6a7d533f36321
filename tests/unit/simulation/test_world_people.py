import itertools

import numpy as np
import pytest
from worlds import Run, crowd, make

from walkout.simulation.people import minimum_jerk, wrap
from walkout.simulation.shopper import Actor
from walkout.simulation.world import TICKS_PER_S, tick_time_ns

BUSY = {"items": (1, 2), "browse_probability": 0.2, "put_back_probability": 0.3, "dwell_s": (0.2, 1.0)}


@pytest.mark.parametrize(("store_name", "people", "seed"), [("corner", 7, 1), ("kiosk", 3, 3)])
def test_everybody_shops_and_leaves_without_touching_anybody_or_anything(
    store_name: str, people: int, seed: int
) -> None:
    run = Run(make(crowd(store_name, people, **BUSY), seed))
    closest, deepest, most = np.inf, np.inf, 0
    for world in run.steps(420.0, 0.2):
        walkers = world.walkers()
        most = max(most, len(walkers))
        for one, other in itertools.combinations(walkers, 2):
            closest = min(closest, float(np.hypot(*(one.position - other.position))))
        inside = [walker.position for walker in walkers if not walker.ghost]
        if inside:
            deepest = min(deepest, float(world.floor.exact_clearance(np.array(inside)).min()))
    assert run.world.finished, "somebody never left: a dead-lock"
    assert most >= min(people, 4), "the test was to be about a crowd"
    assert closest > 0.35
    assert deepest > 0.2


def test_people_walk_at_human_speeds_without_jumps() -> None:
    world = make(crowd("corner", 4, **BUSY), 5)
    before: dict[int, tuple[np.ndarray, float]] = {}
    speeds = []
    for tick in range(1, 90 * TICKS_PER_S):
        world.advance(tick_time_ns(tick))
        for signal in world.take_signals():
            world.open_gate(signal.gate_id)
        now = {walker.person_id: (walker.position.copy(), walker.yaw) for walker in world.walkers()}
        for person, (position, yaw) in now.items():
            if person in before:
                speeds.append(float(np.hypot(*(position - before[person][0]))) * 30)
                assert abs(wrap(yaw - before[person][1])) < 0.12, "turns faster than a person"
        before = now
    moving = [speed for speed in speeds if speed > 0.3]
    assert max(speeds) < 1.35
    assert 0.6 < float(np.median(moving)) < 1.3


def test_pictures_between_two_ticks_show_smooth_motion() -> None:
    world = make(crowd("corner", 1, **BUSY), 1)
    places = []
    for step in range(100):
        world.advance(700_000_000 + step * 7_000_000)
        pose = world.scene().people[0].pose
        places.append((pose.x, pose.y))
    moves = np.linalg.norm(np.diff(places, axis=0), axis=1)
    walking = moves[moves > 1e-4]
    assert len(walking) > 50
    assert walking.max() < 0.011


def test_the_gait_goes_with_the_way() -> None:
    world = make(crowd("corner", 1, speed_m_s=(1.0, 1.0), **BUSY), 1)
    world.advance(600_000_000)
    start, phase = world.walkers()[0].position.copy(), world.walkers()[0].gait_phase
    world.advance(900_000_000)
    walker = world.walkers()[0]
    way = float(np.hypot(*(walker.position - start)))
    assert way > 0.1
    expected = 2 * np.pi * way / (walker.cycle_m * max(0.3, walker.stride))
    assert (walker.gait_phase - phase) % (2 * np.pi) == pytest.approx(expected, rel=0.35)


def test_minimum_jerk_starts_and_ends_at_rest() -> None:
    shares = np.linspace(0, 1, 101)
    path = np.array([minimum_jerk(float(share)) for share in shares])
    speed = np.diff(path)
    assert path[0] == 0.0
    assert path[-1] == pytest.approx(1.0)
    assert speed[0] < 1e-4
    assert speed[-1] < 1e-4
    assert np.all(speed >= 0.0)


def test_same_seed_same_world_and_other_seed_another_one() -> None:
    def trace(seed: int) -> tuple[list[tuple[float, ...]], np.ndarray]:
        run = Run(make(crowd("kiosk", 3, **BUSY), seed)).all(30.0, 0.5)
        poses = [tuple(walker.position) for walker in run.world.walkers()]
        return poses, np.concatenate([batch.grams.ravel() for batch in run.readings])

    first, again, other = trace(1), trace(1), trace(2)
    assert first[0] == again[0]
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


def test_the_world_does_not_depend_on_how_often_it_is_asked() -> None:
    coarse, fine = make(crowd("kiosk", 1, **BUSY), 4), make(crowd("kiosk", 1, **BUSY), 4)
    coarse.advance(1_400_000_000)
    for step in range(1, 201):
        fine.advance(step * 7_000_000)
        fine.scene()
    assert np.array_equal(coarse.walkers()[0].position, fine.walkers()[0].position)
    assert coarse.scene().people == fine.scene().people


def test_somebody_who_walks_freely_never_thinks_to_be_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """At walking pace a tick brings 3 cm; that is progress all the same."""
    made_way = []
    original = Actor._make_way
    monkeypatch.setattr(Actor, "_make_way", lambda self, blocked: made_way.append(blocked) or original(self, blocked))
    run = Run(make(crowd("corner", 1, **BUSY), 1)).all()
    assert run.world.finished
    assert made_way == []
