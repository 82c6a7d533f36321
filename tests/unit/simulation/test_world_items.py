from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import Run, crowd, make, store, visit

from walkout.interactions.types import InteractionKind
from walkout.simulation.scenario import Action, ActionKind, Arrival
from walkout.simulation.scene import ItemPlace
from walkout.simulation.stock import Stock

TAKE, RETURN = ActionKind.TAKE, ActionKind.PUT_BACK


@pytest.mark.parametrize("seed", [1, 2])
def test_items_are_conserved_and_the_truth_adds_up(seed: int) -> None:
    world = make(
        crowd("kiosk", 4, 20.0, items=(1, 4), multi_take_probability=0.5, put_back_probability=0.6, dwell_s=(0.1, 0.5)),
        seed,
    )
    total = len(world.stock.table.place)
    run = Run(world)
    for _ in run.steps(400.0, 0.4):
        place = world.stock.table.place
        hands = [row for walker in world.walkers() for arm in walker.arms for row in arm.items]
        assert sorted(hands) == sorted(np.flatnonzero(place == ItemPlace.HAND))
        shelved = [row for lane in world.stock.lanes for row in lane.rows]
        assert sorted(shelved) == sorted(np.flatnonzero(place == ItemPlace.SHELF))
        assert np.array_equal(place == ItemPlace.SHELF, world.stock.lane >= 0)
        assert world.stock.lane_loads().sum() == pytest.approx(world.stock.weight_g[shelved].sum())
    assert world.finished
    gone = np.flatnonzero(world.stock.table.place == ItemPlace.GONE)
    assert len(gone) + sum(len(lane.rows) for lane in world.stock.lanes) == total
    bought = Counter(world.stock.product(row).sku for row in gone)
    baskets: Counter[str] = Counter()
    for visited in world.truth.visits_left():
        baskets += visited.basket
        moves: Counter[str] = Counter()
        for event in world.truth.interactions:
            if event.visit_id == visited.visit_id and event.kind is not InteractionKind.TOUCH:
                moves[event.sku] += event.quantity * (1 if event.kind is InteractionKind.TAKE else -1)
        assert +moves == visited.basket
    assert bought == baskets
    assert not world.stock.reserved


def test_the_true_weight_change_is_the_change_of_the_lane() -> None:
    script = (Action(TAKE, sku="chocolate-dark", lane_id="g1/2/1"), Action(RETURN, sku="chocolate-dark"))
    world = make(visit("kiosk", Arrival(0.1, script=script)))
    lane = world.stock.lane_by_id["g1/2/1"].index
    before = world.stock.lane_loads()[lane]
    loads = {round(w.shown_ns / 1e8): w.stock.lane_loads()[lane] for w in Run(world).steps(60.0, 0.1)}
    taken, returned = world.truth.interactions
    assert (taken.kind, returned.kind) == (InteractionKind.TAKE, InteractionKind.RETURN)
    assert taken.lane_id == returned.lane_id == "g1/2/1"
    assert taken.delta_g == -returned.delta_g
    between = (taken.stamp_ns + returned.stamp_ns) / 2
    assert loads[round(between / 1e8)] - before == pytest.approx(taken.delta_g)
    assert world.stock.lane_loads()[lane] == pytest.approx(before)
    for event in (taken, returned):
        assert event.hand_in_ns <= event.stamp_ns <= event.hand_out_ns
        assert event.hand_out_ns - event.hand_in_ns < 3_000_000_000


def test_several_pieces_in_one_or_in_several_grasps() -> None:
    sizes = set()
    for seed in range(6):
        world = make(visit("kiosk", Arrival(0.1, script=(Action(TAKE, sku="bar-peanut", quantity=2),))), seed)
        Run(world).all(60.0)
        quantities = tuple(event.quantity for event in world.truth.interactions)
        assert sum(quantities) == 2
        sizes.add(quantities)
        assert world.truth.visits[1].basket == {"bar-peanut": 2}
    assert sizes == {(2,), (1, 1)}


def test_a_product_left_in_the_wrong_lane_lies_there() -> None:
    script = (
        Action(TAKE, sku="bar-peanut"),
        Action(ActionKind.PUT_BACK_ELSEWHERE, sku="bar-peanut", lane_id="g2/2/0"),
    )
    world = make(visit("kiosk", Arrival(0.1, script=script), fill=(0.4, 0.4)))
    Run(world).all(90.0)
    event = world.truth.interactions[-1]
    assert (event.kind, event.sku, event.lane_id) == (InteractionKind.RETURN, "bar-peanut", "g2/2/0")
    skus = [world.stock.product(row).sku for row in world.stock.lane_by_id["g2/2/0"].rows]
    assert "bar-peanut" in skus
    assert not world.truth.visits[1].basket


def test_a_touch_moves_nothing() -> None:
    world = make(visit("kiosk", Arrival(0.1, script=(Action(ActionKind.TOUCH, lane_id="g1/1/1"),))))
    before = world.stock.lane_loads()
    Run(world).all(60.0)
    assert [event.kind for event in world.truth.interactions] == [InteractionKind.TOUCH]
    assert np.array_equal(world.stock.lane_loads(), before)


def test_a_taken_item_hangs_in_the_hand_and_then_goes_into_the_bag() -> None:
    world = make(
        visit("kiosk", Arrival(0.1, script=(Action(TAKE, sku="nuts-cashews"), Action(ActionKind.WAIT, seconds=1))))
    )
    seen = []
    for _ in Run(world).steps(60.0, 0.1):
        world.scene()
        rows = np.flatnonzero(world.stock.table.place == ItemPlace.HAND)
        for row in rows:
            position = world.stock.table.position[row]
            walker = world.walkers()[0]
            seen.append(np.hypot(*(position[:2] - walker.position)))
            assert 0.05 < position[2] < 1.9
            assert world.stock.table.touched[row]
    assert len(seen) > 10
    assert max(seen) < 1.25
    assert (world.stock.table.place == ItemPlace.GONE).sum() == 1


def test_a_fridge_is_opened_before_the_hand_goes_in() -> None:
    sku = next(f.sku for f in store("corner").facings if f.lane_id.startswith("fridge/2"))
    world = make(visit("corner", Arrival(0.1, script=(Action(TAKE, sku=sku),))))
    opening = {round(w.shown_ns / 1e8): w.scene().doors["fridge"] for w in Run(world).steps(90.0, 0.1)}
    event = world.truth.interactions[0]
    assert opening[round(event.stamp_ns / 1e8)] > 0.9
    assert opening[round(event.hand_in_ns / 1e8) - 30] < 0.5
    assert opening[max(opening)] == 0.0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), fill=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted))
def test_shelves_are_filled_within_their_lanes(seed: int, fill: list[float]) -> None:
    stock = Stock(store("kiosk"), (fill[0], fill[1]), np.random.default_rng(seed))
    for lane in stock.lanes:
        facing = store("kiosk").facing_by_lane[lane.site.lane.lane_id]
        assert len(lane.rows) <= facing.capacity
        for row in lane.rows:
            product = stock.product(row)
            local = lane.site.transform[:3, :3].T @ (stock.table.position[row] - lane.site.position)
            assert abs(local[0]) + product.size[0] / 2 <= lane.site.lane.depth / 2 + 0.005
            assert abs(local[1]) + product.size[1] / 2 <= lane.site.lane.width / 2 + 0.01
        for column in lane.columns:
            xs = [float(stock._local_x[row]) for row in column]
            gaps = -np.diff(xs)
            assert np.all(gaps >= store("kiosk").product_by_sku[facing.sku].size[0])
