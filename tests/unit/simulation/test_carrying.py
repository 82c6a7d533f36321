import numpy as np
import pytest
from worlds import make, store

from walkout.simulation.appearance import sample_appearance
from walkout.simulation.body_points import RenderedBodies
from walkout.simulation.carrying import PULL_M, Trolley, carried_by
from walkout.simulation.doors import Doors
from walkout.simulation.people import TICK_S, Walker
from walkout.simulation.props import prop_mesh
from walkout.simulation.renderer import Renderer
from walkout.simulation.scenario import Arrival, Carried, Scenario
from walkout.simulation.scene import BodyPose, Person, Prop, PropKind, Scene
from walkout.simulation.stock import Stock


def walker(looks) -> Walker:
    return Walker(1, looks, np.array([1.0, 1.5]), 0.0, 1.0)


@pytest.fixture
def looks():
    return sample_appearance(np.random.default_rng(1))


def test_a_trolley_rolls_after_its_owner_and_stays_when_they_stand(looks) -> None:
    world = make(Scenario("s", "corner"))
    owner = walker(looks)
    trolley = Trolley(owner, (0.5, 0.0, 0.0))
    for _ in range(60):
        owner.velocity = np.array([0.9, 0.0])
        owner.position = owner.position + owner.velocity * TICK_S
        trolley.step(world.floor)
    behind = owner.position - trolley.place[:2]
    assert behind[0] == pytest.approx(PULL_M + 0.14, abs=0.08)
    assert abs(trolley.place[2]) < 0.3, "it points where it is pulled"
    assert owner.left.weight == 1.0, "the weaker hand holds the handle"
    place = trolley.place.copy()
    owner.velocity = np.zeros(2)
    for _ in range(30):
        trolley.step(world.floor)
    assert np.array_equal(trolley.place, place)
    assert owner.left.weight == 0.0


def test_a_hand_that_is_busy_leaves_the_handle(looks) -> None:
    world = make(Scenario("s", "corner"))
    owner = walker(looks)
    trolley = Trolley(owner, (0.5, 0.0, 0.0))
    target = np.array([1.0, 2.0, 1.2])
    owner.left.busy, owner.left.target, owner.left.weight = True, target, 0.4
    owner.velocity = np.array([0.9, 0.0])
    trolley.step(world.floor)
    assert owner.left.target is target
    assert owner.left.weight == 0.4


def test_a_bag_hangs_from_the_forearm(looks) -> None:
    pose = BodyPose(1.0, 1.5, 0.0)
    points = RenderedBodies().locate(Person(1, looks, pose))
    prop = carried_by(walker(looks), Carried.BAG, 5, 1).prop(points, pose, 0.0)
    assert prop is not None
    assert prop.kind is PropKind.BAG
    assert np.hypot(prop.position[0] - 1.0, prop.position[1] - 1.5) < 0.5
    assert 0.7 < prop.position[2] < 1.2
    assert prop_mesh(prop).vertices["position"][:, 2].min() > 0.15, "it does not drag on the floor"


def test_what_is_carried_is_seen_and_leaves_no_trace() -> None:
    kiosk = store("kiosk")
    items = Stock(kiosk, (0.5, 0.5), np.random.default_rng(1)).table
    renderer = Renderer(kiosk)
    camera = kiosk.cameras[0]
    before = renderer.render(camera, Scene(0, (), items)).image
    trolley = Prop(PropKind.TROLLEY, (1.5, 1.3, 0.0), 0.7, (0.6, 0.02, 0.02))
    shown = renderer.render(camera, Scene(1, (), items, props=(trolley,))).image
    red = (shown[..., 2].astype(int) - shown[..., 1] > 60) & (np.abs(shown.astype(int) - before).max(axis=2) > 40)
    assert red.sum() > 400
    assert np.array_equal(renderer.render(camera, Scene(2, (), items)).image, before)
    renderer.close()


def test_who_carries_what_shows_in_the_scene() -> None:
    arrivals = (Arrival(0.1, carries=Carried.TROLLEY), Arrival(0.2))
    world = make(Scenario("s", "corner", arrivals=arrivals))
    world.advance(2_000_000_000)
    assert [prop.kind for prop in world.scene().props] == [PropKind.TROLLEY]


def test_a_door_that_falls_shut_shakes_its_own_plates() -> None:
    world = make(Scenario("s", "arcade"))
    doors = Doors(world.store.fixtures, world.stock.lanes, 80.0, np.random.default_rng(1))
    push = np.zeros(len(world.stock.lanes))
    doors.hold("fridge", 1)
    for tick in range(60):
        doors.step(tick * 33_000_000)
    assert doors.opening("fridge") == 1.0
    doors.release("fridge", 1, 3_000_000_000)
    doors.step(2_900_000_000)
    assert doors.opening("fridge") == 1.0, "it was left open"
    shaken = []
    for tick in range(60):
        push[:] = 0.0
        doors.step(3_000_000_000 + tick * 33_000_000)
        doors.shake(push)
        shaken.append(float(np.abs(push).max()))
        others = [n for n, lane in enumerate(world.stock.lanes) if lane.site.fixture.fixture_id != "fridge"]
        assert not push[others].any()
    assert doors.opening("fridge") == 0.0
    assert max(shaken) > 80.0
    assert shaken[-1] == 0.0
