import pytest
from hypothesis import given
from hypothesis import strategies as st
from little_store import little_store

from walkout.carts.settlement import SettlementParameters, settle
from walkout.interactions.types import VisitEstimate

STORE = little_store()
PARAMETERS = SettlementParameters(overcharge=2.0, undercharge=1.0, review_minor=60.0)


def visit(**counts: dict[int, float]) -> VisitEstimate:
    return VisitEstimate((), counts, dict.fromkeys(counts, ("i:1",)), {})


@pytest.mark.parametrize(("probability", "charged"), [(0.5, 0), (0.6, 0), (0.7, 1), (0.99, 1)])
def test_a_piece_is_charged_when_that_costs_less_than_giving_it_away(probability: float, charged: int) -> None:
    settlement = settle(visit(sku0={1: probability, 0: 1 - probability}), STORE, PARAMETERS)
    assert sum(line.quantity for line in settlement.lines) == charged


def test_dear_doubts_are_for_a_person_and_cheap_ones_are_not() -> None:
    dear = settle(visit(sku9={1: 0.6, 0: 0.4}), STORE, PARAMETERS)
    assert dear.lines == ()
    assert dear.doubts[0].proposed.sku == "sku9"
    assert dear.doubts[0].proposed.quantity == 1
    assert settle(visit(sku0={1: 0.9, 0: 0.1}), STORE, PARAMETERS).doubts == ()


def test_what_the_odds_leave_open_counts_as_nothing_taken() -> None:
    assert settle(visit(sku0={1: 0.6}), STORE, PARAMETERS).lines == ()


ODDS = st.dictionaries(st.integers(0, 5), st.floats(0.01, 1.0), min_size=1, max_size=5).map(
    lambda odds: {count: value / sum(odds.values()) for count, value in odds.items()}
)


@given(st.dictionaries(st.sampled_from([f"sku{i}" for i in range(10)]), ODDS, max_size=5))
def test_lines_are_positive_sorted_and_add_up(counts: dict[str, dict[int, float]]) -> None:
    settlement = settle(VisitEstimate((), counts, {}, {}), STORE, PARAMETERS)
    assert all(line.quantity > 0 for line in settlement.lines)
    assert settlement.total_minor == sum(line.quantity * line.unit_price_minor for line in settlement.lines)
    assert [line.name for line in settlement.lines] == sorted(line.name for line in settlement.lines)
    for line in settlement.lines:
        assert line.probability == counts[line.sku][line.quantity]


def test_overcharging_must_cost_at_least_as_much_as_undercharging() -> None:
    with pytest.raises(ValueError, match="overcharge"):
        SettlementParameters(overcharge=0.5)
