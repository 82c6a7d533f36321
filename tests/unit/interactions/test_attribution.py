import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little_store import WEIGHTS_G, little_store

from walkout.interactions.attribution import AttributionParameters, Attributor
from walkout.interactions.types import Interaction, InteractionKind, WeightEvent
from walkout.perception.types import Keypoint
from walkout.tracking.types import Shoppers, ShopperState, TrackState

STORE = little_store()
TAKE, RETURN = InteractionKind.TAKE, InteractionKind.RETURN
S = 1_000_000_000
_WRISTS = (Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)


class Scene:
    """Shoppers who stand before the gondola; ``reach`` puts a hand into a lane and makes the event of it."""

    def __init__(self, *tracks: int, hand_sd_m: float = 0.04) -> None:
        self.attributor = Attributor(AttributionParameters(), STORE)
        self.tracks = tracks
        self.hand_sd_m = hand_sd_m
        self.reaches: list[tuple[int, str, int]] = []
        self.events: list[WeightEvent] = []
        self.hidden: set[int] = set()
        self.identity: dict[int, tuple[tuple[int, ...], tuple[float, ...]]] = {}
        self.away: dict[int, tuple[float, float]] = {}
        self.heirs: dict[int, int] = {}
        self.wrists: dict[int, tuple[str, str]] = {}

    def reach(self, track: int, lane_id: str, at_s: float, delta_g: float, sd_g: float = 0.6) -> None:
        onset_ns = round(at_s * S)
        self.reaches.append((track, lane_id, onset_ns))
        fixture = lane_id.split("/")[0]
        name = f"{lane_id}@{onset_ns // 1_000_000}"
        self.events.append(WeightEvent(name, fixture, (lane_id,), (delta_g,), onset_ns, onset_ns + S, delta_g, sd_g))

    def take(self, track: int, lane: int, at_s: float, count: int = 1) -> None:
        self.reach(track, f"g1/{lane // 5}/{lane % 5}", at_s, -WEIGHTS_G[lane] * count)

    def put(self, track: int, lane: int, at_s: float, product: int) -> None:
        self.reach(track, f"g1/{lane // 5}/{lane % 5}", at_s, WEIGHTS_G[product])

    def play(self, until_s: float = 60.0) -> list[Interaction]:
        """Feed everything in the order of time and return the last word on every event, in order."""
        last: dict[str, Interaction] = {}
        waiting = sorted(self.events, key=lambda event: event.end_ns)
        for stamp_ns in range(0, round(until_s * S), S // 10):
            self.attributor.add_shoppers(self._shoppers(stamp_ns))
            while waiting and waiting[0].end_ns <= stamp_ns:
                self.attributor.add_event(waiting.pop(0))
            last.update({i.interaction_id: i for i in self.attributor.advance(stamp_ns)})
        return sorted(last.values(), key=lambda i: (i.event.onset_ns, i.interaction_id))

    def _shoppers(self, stamp_ns: int) -> Shoppers:
        states = []
        for place, track in enumerate(self.tracks):
            from_s, to_s = self.away.get(track, (0.0, 0.0))
            closing = track in self.heirs and stamp_ns == round(from_s * S)
            if from_s * S <= stamp_ns < to_s * S and not closing:
                continue
            body = np.array([0.75, 0.5 * (place - (len(self.tracks) - 1) / 2)])
            hand = np.array([0.5, body[1], 1.0])
            for doer, lane_id, onset_ns in self.reaches:
                if doer == track and -0.2 * S <= stamp_ns - onset_ns <= 0.9 * S:
                    site = STORE.lane_sites[lane_id]
                    hand = site.position + np.array([0.1, 0.0, 0.12])
                    body = np.array([0.75, 0.7 * body[1] + 0.3 * site.position[1]])
            keypoints = np.full((12, 3), np.nan)
            if track not in self.hidden:
                keypoints[Keypoint.RIGHT_WRIST] = hand
                keypoints[Keypoint.LEFT_WRIST] = [0.6, body[1] + 0.2, 0.8]
            for wrist, lane_id in zip(_WRISTS, self.wrists.get(track, ()), strict=False):
                keypoints[wrist] = STORE.lane_sites[lane_id].position + np.array([0.1, 0.0, 0.12])
            ids, odds = self.identity.get(track, ((track,), (1.0,)))
            state = TrackState.CONFIRMED
            if closing:
                state, ids, odds = TrackState.CLOSED, (track, self.heirs[track]), (0.0, 1.0)
            mean = np.array([*body, 0, 0, 1.7])
            sds = np.full(12, self.hand_sd_m)
            covariance = np.eye(5) * 0.01
            states.append(
                ShopperState(track, state, 1.0, mean, covariance, keypoints, sds, 0.0, ("c1", "c2"), ids, odds)
            )
        return Shoppers(stamp_ns, tuple(states))


def explained(interaction: Interaction) -> tuple[int, str, int, InteractionKind]:
    best = interaction.best
    return best.track_id, best.sku, best.quantity, best.kind


def test_a_single_take() -> None:
    scene = Scene(1, 2)
    scene.take(1, 3, 5.0)
    (interaction,) = scene.play(10.0)
    assert explained(interaction) == (1, "sku3", 1, TAKE)
    assert 0.9 < interaction.best.probability < 1.0


@pytest.mark.parametrize("count", [2, 3])
def test_several_pieces_at_once(count: int) -> None:
    scene = Scene(1)
    scene.take(1, 4, 5.0, count)
    (interaction,) = scene.play(10.0)
    assert explained(interaction) == (1, "sku4", count, TAKE)


def test_products_of_the_same_weight_are_told_apart_by_their_lane() -> None:
    scene = Scene(1)
    scene.reach(1, "g1/0/1", 5.0, -332.0)
    scene.reach(1, "g1/0/2", 8.0, -332.0)
    assert [explained(i)[1] for i in scene.play(12.0)] == ["sku1", "sku2"]


def test_a_return_undoes_the_take_of_whoever_holds_the_product() -> None:
    scene = Scene(1, 2)
    scene.take(1, 0, 5.0)
    scene.put(1, 0, 9.0, 0)
    interactions = scene.play(14.0)
    assert explained(interactions[1]) == (1, "sku0", 1, RETURN)
    visit = scene.attributor.estimate_visit([1], 0, 14 * S)
    assert max(visit.counts["sku0"], key=visit.counts["sku0"].__getitem__) == 0
    assert len(visit.interaction_ids["sku0"]) == 2
    assert visit.camera_ids["sku0"] == ("c1", "c2")


def test_nobody_returns_what_they_do_not_have() -> None:
    scene = Scene(1, 2, hand_sd_m=0.2)
    scene.take(1, 0, 5.0)
    # Both stand before the lane with their hands up; only one of them can put this product back.
    scene.reach(2, "g1/0/0", 9.0, 0.0)
    scene.events.pop()
    scene.put(1, 0, 9.0, 0)
    assert explained(scene.play(14.0)[1])[:2] == (1, "sku0")


def test_two_shoppers_at_two_lanes_of_one_shelf_at_once() -> None:
    scene = Scene(1, 2)
    scene.take(1, 1, 5.0)
    scene.take(2, 3, 5.1)
    assert [explained(i)[:2] for i in scene.play(10.0)] == [(1, "sku1"), (2, "sku3")]


def test_a_put_back_on_the_wrong_shelf_and_taking_it_from_there() -> None:
    scene = Scene(1, 2)
    scene.take(1, 7, 5.0)
    scene.put(1, 3, 10.0, 7)
    scene.reach(2, "g1/0/3", 15.0, -WEIGHTS_G[7])
    interactions = scene.play(20.0)
    assert [explained(i) for i in interactions] == [(1, "sku7", 1, TAKE), (1, "sku7", 1, RETURN), (2, "sku7", 1, TAKE)]
    assert scene.attributor.belief.strangers() == {}


def test_a_stranger_in_a_lane_is_remembered_over_a_restart() -> None:
    scene = Scene(1)
    scene.take(1, 7, 5.0)
    scene.put(1, 3, 10.0, 7)
    scene.play(15.0)
    document = scene.attributor.belief_document()
    assert document["g1/0/3"]["sku7"] == pytest.approx(1.0, abs=0.1)
    after = Scene(2)
    after.attributor.restore_belief(document)
    after.reach(2, "g1/0/3", 5.0, -WEIGHTS_G[7])
    (interaction,) = after.play(10.0)
    assert explained(interaction) == (2, "sku7", 1, TAKE)


def test_without_wrists_the_body_decides_with_less_certainty() -> None:
    scene = Scene(1, 2)
    scene.hidden = {1, 2}
    scene.take(1, 0, 5.0)
    (interaction,) = scene.play(10.0)
    seen = Scene(1, 2)
    seen.take(1, 0, 5.0)
    assert explained(interaction)[:2] == (1, "sku0")
    assert interaction.best.probability < seen.play(10.0)[0].best.probability


def test_nobody_near_is_nobody_known() -> None:
    scene = Scene()
    scene.reach(9, "g1/0/3", 5.0, -WEIGHTS_G[3])
    (interaction,) = scene.play(12.0)
    assert explained(interaction) == (0, "sku3", 1, TAKE)


def test_a_step_that_fits_nothing_is_a_touch() -> None:
    scene = Scene(1)
    scene.reach(1, "g1/0/3", 5.0, -6.0)
    (interaction,) = scene.play(10.0)
    assert interaction.best.kind is InteractionKind.TOUCH


def test_an_uncertain_identity_is_an_uncertain_shopper() -> None:
    scene = Scene(1)
    scene.identity = {1: ((1, 2), (0.6, 0.4))}
    scene.take(1, 3, 5.0)
    (interaction,) = scene.play(10.0)
    odds = {h.track_id: h.probability for h in interaction.hypotheses if h.sku == "sku3"}
    assert odds[1] == pytest.approx(0.6, abs=0.03)
    assert odds[2] == pytest.approx(0.4, abs=0.03)


def test_the_final_event_replaces_the_provisional_one() -> None:
    scene = Scene(1)
    scene.take(1, 3, 5.0)
    final = scene.events[0]
    early = WeightEvent(
        **{**vars(final), "delta_g": -70.0, "lane_deltas_g": (-70.0,), "sd_g": 9.0, "provisional": True}
    )
    attributor = scene.attributor
    for stamp_ns in range(0, 9 * S, S // 10):
        attributor.add_shoppers(scene._shoppers(stamp_ns))
    attributor.add_event(early)
    (first,) = attributor.advance(9 * S)
    assert attributor.unsettled(9 * S)
    attributor.add_event(final)
    (second,) = attributor.advance(9 * S)
    assert first.interaction_id == second.interaction_id
    assert first.event.provisional
    assert not second.event.provisional
    assert not attributor.unsettled(9 * S)
    attributor.add_event(early)
    assert attributor.advance(9 * S) == []


def test_the_later_return_tells_who_took_it() -> None:
    """At the exit the whole visit is judged: only one of two equal suspects could put the product back later."""
    scene = Scene(1, 2)
    scene.hidden = {1, 2}
    scene.reach(1, "g1/0/2", 5.0, -333.0)
    scene.reaches.append((2, "g1/0/2", 5 * S))
    scene.play(8.0)
    before = scene.attributor.settle([1], 0, 8 * S)[0]
    odds = [sum(h.probability for h in before.hypotheses if h.track_id == track) for track in (1, 2)]
    assert odds[0] == pytest.approx(odds[1], abs=0.15)
    clear = Scene(1, 2)
    clear.reach(1, "g1/0/2", 5.0, -333.0)
    clear.reaches.append((2, "g1/0/2", 5 * S))
    clear.reach(2, "g1/0/2", 12.0, 333.0)
    clear.play(16.0)
    after = clear.attributor.settle([1, 2], 0, 16 * S)
    assert [explained(i)[0] for i in after] == [2, 2]


def test_what_was_billed_to_one_who_left_cannot_be_anothers() -> None:
    scene = Scene(1, 2)
    scene.hidden = {1, 2}
    scene.reach(1, "g1/0/2", 5.0, -333.0)
    scene.reaches.append((2, "g1/0/2", 5 * S))
    scene.play(8.0)
    taker = scene.attributor.settle([1, 2], 0, 8 * S)[0].best.track_id
    other = 3 - taker
    scene.attributor.commit([taker], ["sku2"])
    assert scene.attributor.settle([other], 0, 8 * S) == []


def test_evidence_survives_a_restart() -> None:
    scene = Scene(1, 2)
    scene.take(1, 7, 5.0)
    scene.take(2, 2, 7.0)
    interactions = scene.play(12.0)
    fresh = Attributor(AttributionParameters(), STORE)
    for interaction in interactions:
        document = scene.attributor.evidence_document(interaction.interaction_id)
        assert document is not None
        fresh.restore(document)
    assert fresh.estimate_visit([1], 0, 12 * S).counts == scene.attributor.estimate_visit([1], 0, 12 * S).counts


@settings(max_examples=30, deadline=None)
@given(
    moves=st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 9), st.sampled_from([-2, -1, 1]), st.floats(-6, 6)), max_size=7
    )
)
def test_probabilities_are_probabilities_and_nobody_holds_less_than_nothing(
    moves: list[tuple[int, int, int, float]],
) -> None:
    scene = Scene(1, 2)
    for number, (track, lane, pieces, error) in enumerate(moves):
        scene.reach(track, f"g1/{lane // 5}/{lane % 5}", 3.0 + 2.5 * number, pieces * WEIGHTS_G[lane] + error)
    for interaction in scene.play(25.0):
        probabilities = [h.probability for h in interaction.hypotheses]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-9
        assert max(probabilities) < 1.0
    visit = scene.attributor.estimate_visit([1], 0, 25 * S)
    for odds in visit.counts.values():
        assert min(odds) >= 0
        assert 0 < sum(odds.values()) <= 1 + 1e-9


def test_an_unknown_lane_is_refused() -> None:
    scene = Scene(1)
    event = WeightEvent("x", "g1", ("g1/9/9",), (-5.0,), 0, 1, -5.0, 1.0)
    with pytest.raises(ValueError, match="g1/9/9"):
        scene.attributor.add_event(event)


@pytest.mark.parametrize("found_again_s", [6.0, 20.0])
def test_what_a_lost_shopper_did_under_another_track_is_his_once_he_is_recognised(found_again_s: float) -> None:
    scene = Scene(1, 9)
    scene.away = {1: (4.0, found_again_s), 9: (found_again_s, 100.0)}
    scene.heirs = {9: 1}
    scene.take(1, 0, 2.0)
    scene.take(9, 3, 4.3)
    scene.reach(9, "g1/0/0", 5.4, WEIGHTS_G[0])  # returns what he took under his own track
    done = [explained(i) for i in scene.play(30.0)]
    assert done == [(1, "sku0", 1, TAKE), (1, "sku3", 1, TAKE), (1, "sku0", 1, RETURN)]
    visit = scene.attributor.estimate_visit([1], 0, 30 * S)
    assert [max(odds, key=lambda count: odds[count]) for _, odds in sorted(visit.counts.items())] == [0, 1]


def test_what_a_stranger_did_stays_his() -> None:
    scene = Scene(1, 9)
    scene.away = {1: (4.0, 100.0)}
    scene.take(9, 3, 6.0)
    assert [explained(i)[0] for i in scene.play(20.0)] == [9]


def both_reach(scene: Scene, lane: int, at_s: float, count: int, sign: int = -1) -> None:
    """Both shoppers have a hand in one lane while its weight changes by ``count`` pieces in a single step."""
    scene.reach(1, f"g1/0/{lane}", at_s, sign * count * WEIGHTS_G[lane])
    scene.reaches.append((2, f"g1/0/{lane}", round(at_s * S)))


def test_two_hands_in_one_lane_share_a_step_of_two_pieces() -> None:
    scene = Scene(1, 2)
    both_reach(scene, 2, 5.0, 2)
    interactions = scene.play(10.0)
    assert sorted(explained(i) for i in interactions) == [(1, "sku2", 1, TAKE), (2, "sku2", 1, TAKE)]
    assert len({i.interaction_id for i in interactions}) == 2
    for track in (1, 2):
        visit = scene.attributor.estimate_visit([track], 0, 10 * S)
        assert visit.counts["sku2"][1] > 0.7
        assert len(visit.interaction_ids["sku2"]) == 1
        assert scene.attributor.evidence_document(visit.interaction_ids["sku2"][0]) is not None


def test_one_hand_takes_both_pieces_while_another_shopper_stands_by() -> None:
    scene = Scene(1, 2)
    scene.take(1, 2, 5.0, 2)
    assert [explained(i) for i in scene.play(10.0)] == [(1, "sku2", 2, TAKE)]


def test_what_one_of_two_was_billed_leaves_the_other_his_share() -> None:
    scene = Scene(1, 2)
    both_reach(scene, 2, 5.0, 2)
    scene.play(10.0)
    scene.attributor.commit([1], ["sku2"])
    counts = scene.attributor.estimate_visit([2], 0, 10 * S).counts["sku2"]
    assert max(counts, key=lambda count: counts[count]) == 1
    assert counts.get(2, 0.0) < 0.01


def test_two_put_back_at_once_what_both_had_taken() -> None:
    scene = Scene(1, 2)
    scene.take(1, 2, 2.0)
    scene.take(2, 2, 5.0)
    both_reach(scene, 2, 10.0, 2, sign=1)
    done = [explained(i) for i in scene.play(15.0)]
    assert sorted(done[2:]) == [(1, "sku2", 1, RETURN), (2, "sku2", 1, RETURN)]


def over_two_lanes(scene: Scene, deltas: tuple[float, float], at_s: float = 5.0, provisional: bool = False) -> None:
    onset_ns = round(at_s * S)
    event = WeightEvent("two", "g1", ("g1/0/1", "g1/0/2"), deltas, onset_ns, onset_ns + S, sum(deltas), 1.0)
    scene.events.append(WeightEvent(**{**vars(event), "provisional": provisional}))


def test_takes_from_neighbouring_lanes_at_one_moment_are_two() -> None:
    scene = Scene(1, 2)
    scene.reaches += [(1, "g1/0/1", 5 * S), (2, "g1/0/2", 5 * S)]
    over_two_lanes(scene, (-331.5, -332.2))
    assert sorted(explained(i) for i in scene.play(10.0)) == [(1, "sku1", 1, TAKE), (2, "sku2", 1, TAKE)]


def test_an_item_across_two_plates_is_one() -> None:
    scene = Scene(1)
    scene.reaches.append((1, "g1/0/1", 5 * S))
    over_two_lanes(scene, (-251.0, -80.5))
    assert [explained(i) for i in scene.play(10.0)] == [(1, "sku1", 1, TAKE)]


def test_a_part_that_the_final_event_has_not_comes_to_nothing() -> None:
    scene = Scene(1)
    scene.reaches.append((1, "g1/0/1", 5 * S))
    over_two_lanes(scene, (-331.5, -332.2), provisional=True)
    scene.play(8.0)
    scene.attributor.add_event(WeightEvent("two", "g1", ("g1/0/1",), (-331.5,), 5 * S, 6 * S, -331.5, 1.0))
    news = scene.attributor.advance(9 * S)
    assert sorted(explained(i)[1:] for i in news) == [("", 0, InteractionKind.TOUCH), ("sku1", 1, TAKE)]
    counts = scene.attributor.estimate_visit([1], 0, 9 * S).counts
    assert counts["sku1"][1] > 0.9
    assert counts["sku2"].get(1, 0.0) < 0.1


def test_two_shoppers_at_two_lanes_rather_than_one_with_both_hands() -> None:
    """The second one's left hand is as near to the first one's lane as the first one's own hand."""
    scene = Scene(1, 2, hand_sd_m=0.1)
    scene.wrists = {1: ("g1/0/1", "g1/0/1"), 2: ("g1/0/1", "g1/0/3")}
    scene.events.append(WeightEvent("a", "g1", ("g1/0/1",), (-331.0,), 5 * S, 6 * S, -331.0, 0.6))
    scene.events.append(WeightEvent("b", "g1", ("g1/0/3",), (-58.0,), 5 * S + S // 2, 6 * S, -58.0, 0.6))
    assert [explained(i)[:2] for i in scene.play(10.0)] == [(1, "sku1"), (2, "sku3")]


def test_one_shopper_alone_may_use_both_hands() -> None:
    scene = Scene(1)
    scene.wrists = {1: ("g1/0/1", "g1/0/3")}
    scene.events.append(WeightEvent("a", "g1", ("g1/0/1",), (-331.0,), 5 * S, 6 * S, -331.0, 0.6))
    scene.events.append(WeightEvent("b", "g1", ("g1/0/3",), (-58.0,), 5 * S + S // 2, 6 * S, -58.0, 0.6))
    assert [explained(i)[:2] for i in scene.play(10.0)] == [(1, "sku1"), (1, "sku3")]


def test_when_all_wrists_are_mistaken_the_nearer_body_did_it() -> None:
    scene = Scene(1, 2)
    scene.wrists = {1: ("g1/1/0", "g1/1/0"), 2: ("g1/1/0", "g1/1/0")}
    scene.events.append(WeightEvent("a", "g1", ("g1/0/3",), (-58.0,), 5 * S, 6 * S, -58.0, 0.6))
    (interaction,) = scene.play(10.0)
    assert explained(interaction)[:2] == (2, "sku3")
    assert 0.6 < interaction.best.probability < 0.95


def test_a_hand_that_rests_on_the_plate_takes_in_steps_of_which_only_the_sum_is_an_item() -> None:
    scene = Scene(1)
    scene.reach(1, "g1/1/0", 5.0, -64.0)
    scene.reach(1, "g1/1/0", 15.0, -141.5)
    assert [explained(i) for i in scene.play(20.0)] == [(1, "", 0, InteractionKind.TOUCH), (1, "sku5", 1, TAKE)]


def test_steps_of_two_shoppers_are_not_added_up() -> None:
    scene = Scene(1, 2)
    scene.reach(1, "g1/1/0", 5.0, -64.0)
    scene.reach(2, "g1/1/0", 15.0, -141.5)
    assert explained(scene.play(20.0)[1])[:3] != (2, "sku5", 1)


def test_what_was_taken_is_not_added_to_the_next_take() -> None:
    scene = Scene(1)
    scene.take(1, 5, 5.0)
    scene.take(1, 5, 9.0)
    assert [explained(i) for i in scene.play(14.0)] == [(1, "sku5", 1, TAKE), (1, "sku5", 1, TAKE)]
