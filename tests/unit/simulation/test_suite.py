"""Every class of the evaluation suite does in the truth what it says: worlds without pictures."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from worlds import Run, store

from walkout.interactions.types import InteractionKind
from walkout.simulation.body_points import NominalBody
from walkout.simulation.merchandise import stocked_store
from walkout.simulation.scenario import load_scenario, scenario_folder
from walkout.simulation.truth import TrueInteraction, Truth, VisitKind
from walkout.simulation.world import World

TAKE, RETURN, TOUCH = InteractionKind.TAKE, InteractionKind.RETURN, InteractionKind.TOUCH
CLASSES = sorted(file.stem for file in (scenario_folder() / "suite").glob("*.yaml"))
SHORT = [name for name in CLASSES if not name.startswith("busy_1")]


@cache
def run(name: str, seed: int | None = None) -> Run:
    scenario = load_scenario(f"suite/{name}", store(load_scenario(f"suite/{name}").store))
    return Run(World(store(scenario.store), scenario, seed, NominalBody())).all(400.0)


def truth(name: str) -> Truth:
    return run(name).world.truth


def moves(name: str, kind: InteractionKind) -> list[TrueInteraction]:
    return [i for i in truth(name).interactions if i.kind is kind]


def hands_overlap(one: TrueInteraction, other: TrueInteraction) -> bool:
    return one.hand_in_ns < other.hand_out_ns and other.hand_in_ns < one.hand_out_ns


def test_the_suite_has_every_class_of_the_published_failures() -> None:
    names = {load_scenario(f"suite/{name}").suite.name for name in CLASSES}  # type: ignore[union-attr]
    assert names == {
        "one shopper",
        "busy shop 6",
        "busy shop 10",
        "busy shop 15",
        "two shoulder to shoulder",
        "crossed arms at one shelf",
        "same product at once",
        "put back right",
        "put back elsewhere",
        "swap between shoppers",
        "hand-over",
        "holding an item on the shelf for long",
        "several items in one grasp",
        "same weight different flavour",
        "child with parent",
        "group on one payment",
        "staff restocking",
        "re-merchandised gondola",
        "item dropped on the floor",
        "loitering without buying",
        "tailgating",
        "fridge door open",
        "coffee",
        "bags and trolleys",
        "dim light and flicker",
        "one camera lost",
        "one plate dead",
        "drift",
        "clock skew of 100 ms",
    }
    assert {load_scenario(f"suite/{name}").store for name in CLASSES} == {"corner", "arcade"}


@pytest.mark.parametrize("name", SHORT)
def test_everybody_does_their_script_and_leaves(name: str) -> None:
    world = run(name).world
    assert world.finished, "somebody never left"
    scripted = [person for person in world.scenario.people() if person.script is not None]
    wanted = Counter(a.kind.value for person in scripted for a in person.script or () if a.kind.value != "restock")
    returned = sum(a.quantity for p in scripted for a in p.script or () if a.kind.value == "restock")
    done = truth(name)
    takes = sum(i.quantity for i in done.interactions if i.kind is TAKE)
    asked = sum(a.quantity for p in scripted for a in p.script or () if a.kind.value == "take") + wanted["brew"]
    assert takes == asked or len(scripted) < len(truth(name).visits)
    assert len([e for e in done.exchanges if e.taker_id and e.giver_id]) == wanted["hand_over"] == wanted["receive"]
    assert len([e for e in done.exchanges if not e.taker_id]) == wanted["drop"]
    assert len([e for e in done.exchanges if not e.giver_id]) == wanted["pick_up"]
    backs = wanted["put_back"] + wanted["put_back_elsewhere"] + returned
    assert sum(i.quantity for i in done.interactions if i.kind is RETURN) >= backs
    assert all(count > 0 for party in done.parties() for count in party.basket.values())


@pytest.mark.parametrize("name", SHORT)
def test_what_is_carried_out_is_what_the_shelves_and_the_floor_lack(name: str) -> None:
    world = run(name).world
    out: Counter[str] = Counter()
    for party in world.truth.parties():
        out.update(party.basket)
    # What the coffee machine makes was on no shelf before.
    made = {world.stock.product(int(row)).sku for row in world.stock.spare_rows if name == "coffee"}
    lost = -sum(i.delta_g for i in world.truth.interactions if i.sku not in made)
    floor = world.stock.table.place == 3
    gone = Counter(world.stock.product(int(row)).sku for row in np.flatnonzero(world.stock.table.place == 0))
    assert gone == out
    assert int(floor.sum()) == sum(1 for e in world.truth.exchanges if not e.taker_id) - sum(
        1 for e in world.truth.exchanges if not e.giver_id
    )
    before = World(store(world.scenario.store), world.scenario, None, NominalBody()).stock.lane_loads()
    assert before.sum() - world.stock.lane_loads().sum() == pytest.approx(lost, abs=0.01)


@pytest.mark.parametrize("name", ["swap", "tailgating", "child_with_parent"])
def test_the_same_seed_gives_the_same_run_and_another_one_another(name: str) -> None:
    def print_of(seed: int | None) -> list[tuple[int, str, int]]:
        again = run.__wrapped__(name, seed)
        return [(i.stamp_ns, i.sku, i.visit_id) for i in again.world.truth.interactions]

    assert print_of(None) == [(i.stamp_ns, i.sku, i.visit_id) for i in truth(name).interactions] != print_of(6001)


def test_two_stand_shoulder_to_shoulder_and_reach_at_once() -> None:
    by_lane = {i.lane_id: i for i in moves("shoulder_to_shoulder", TAKE)}
    for one, other in (("g1/2/1", "g1/2/3"), ("g6/3/2", "g6/3/3")):
        assert by_lane[one].visit_id != by_lane[other].visit_id
        assert hands_overlap(by_lane[one], by_lane[other])


def test_arms_cross() -> None:
    left, right = (next(i for i in moves("crossed_arms", TAKE) if i.lane_id == lane) for lane in ("a1/2/3", "a1/2/4"))
    assert hands_overlap(left, right)
    assert left.visit_id == 2
    assert right.visit_id == 1, "the one who stands left takes from the right"


def test_two_hands_are_in_one_lane() -> None:
    for lane in ("a1/2/5", "a3/2/5"):
        one, other = (i for i in moves("same_product_at_once", TAKE) if i.lane_id == lane)
        assert one.visit_id != other.visit_id
        assert hands_overlap(one, other)


def test_put_backs_are_right_or_wrong() -> None:
    planogram = {name: store(name).facing_by_lane for name in ("corner", "arcade")}
    assert all(planogram["corner"][i.lane_id].sku == i.sku for i in moves("put_back_right", RETURN))
    assert all(planogram["arcade"][i.lane_id].sku != i.sku for i in moves("put_back_elsewhere", RETURN))


def test_items_are_held_for_long() -> None:
    held = [i.hand_out_ns - i.hand_in_ns for i in truth("hold_on_shelf").interactions if i.sku != "rice-basmati"]
    assert len(held) == 4
    assert min(held) > 9e9


def test_several_go_in_one_grasp() -> None:
    assert sorted(i.quantity for i in moves("several_in_a_grasp", TAKE)) == [2, 2, 3, 3, 4]


def test_a_childs_things_are_the_parents() -> None:
    (party,) = truth("child_with_parent").parties()
    parent, child = (truth("child_with_parent").visits[member] for member in party.members)
    assert child.child
    assert child.basket["gummies-sours"] == 1
    assert party.owed["gummies-sours"] == 1
    assert party.token == parent.token == child.token


def test_a_group_owes_together() -> None:
    group, alone = truth("group").parties()
    assert group.members == (1, 2, 3)
    assert alone.members == (4,)
    taps = [kind for _, gate, kind in run("group").signals if kind == "TAP"]
    assert len(taps) == 4, "the payment is shown once for everybody who comes in"
    assert sum(group.owed.values()) == sum(truth("group").visits[m].basket.total() for m in (1, 2, 3)) > 0


def test_staff_owe_nothing_and_fill_the_shelves() -> None:
    staff = truth("staff_restocking").parties()[0]
    assert staff.kind is VisitKind.STAFF
    assert staff.owed == Counter()
    restocked = Counter(i.sku for i in moves("staff_restocking", RETURN) if i.visit_id == 1)
    assert restocked == {"sauce-olive": 4, "chocolate-dark": 4, "honey-forest": 3, "nuts-mix": 1}


def test_the_shelf_is_not_what_the_planogram_says() -> None:
    world = run("re_merchandised").world
    planogram = store("corner").facing_by_lane
    wrong = [i for i in moves("re_merchandised", TAKE) if planogram[i.lane_id].sku != i.sku]
    assert len(wrong) >= 4
    assert stocked_store(store("corner"), world.scenario.stocked).facing_by_lane["g5/3/1"].sku == "nuts-mix"


def test_who_tailgates_has_no_token_and_owes_nothing() -> None:
    tailgater = next(p for p in truth("tailgating").parties() if p.kind is VisitKind.TAILGATER)
    assert (tailgater.token, tailgater.owed) == ("", Counter())
    assert tailgater.basket.total() == 2
    kinds = [kind for _, gate, kind in run("tailgating").signals if gate == "gate_in"]
    assert kinds[:6] == ["TAP", "OPENED", "PASSAGE", "PASSAGE", "CLOSED", "TAP"]


def test_loiterers_leave_with_nothing() -> None:
    assert [party.basket.total() for party in truth("loitering").parties()][:2] == [0, 0]


def test_the_coffee_machine_fills_a_cup_before_it_is_taken() -> None:
    done = run("coffee")
    fixture = done.world.store.fixture_by_id["coffee"]
    column = [lane.lane_id for lane in fixture.lanes].index("coffee/0/0")
    grams = np.concatenate([b.grams[:, column] for b in done.readings if b.fixture_id == "coffee"])
    taken = next(i for i in moves("coffee", TAKE) if i.lane_id == "coffee/0/0")
    end = int(taken.hand_in_ns * 60e-9)
    base = np.median(grams[: end - 20 * 60])
    half = np.median(grams[end - 9 * 60 : end - 8 * 60]) - base
    full = np.median(grams[end - 60 : end]) - base
    assert 40 < half < full - 60
    assert full == pytest.approx(-taken.delta_g, abs=8)
    assert np.median(grams[end + 8 * 60 : end + 10 * 60]) - base == pytest.approx(0.0, abs=8)


def test_a_busy_shop_is_full() -> None:
    scenario = load_scenario("suite/busy_15", store("arcade"))
    world = World(store("arcade"), scenario, None, NominalBody())
    most = 0
    for current in Run(world).steps(80.0, 0.5):
        most = max(most, sum(visit.inside for visit in current.truth.visits.values()))
    assert most >= 10
