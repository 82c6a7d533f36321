from dataclasses import dataclass

import numpy as np
import pytest
from little_store import WEIGHTS_G, little_store

from walkout.interactions.attribution import AttributionParameters, Attributor
from walkout.interactions.meetings import HandsMet, HandWatch, MeetingParameters
from walkout.interactions.types import InteractionKind, WeightEvent
from walkout.perception.types import Keypoint
from walkout.tracking.types import Shoppers, ShopperState, TrackState

STORE = little_store()
S = 1_000_000_000
MIDDLE = (1.6, 0.0)


@dataclass(frozen=True)
class Pose:
    """Where somebody stands, holds the right wrist, and how fast they walk."""

    body: tuple[float, float]
    wrist: tuple[float, float, float]
    speed: float = 0.0


def state(track_id: int, pose: Pose) -> ShopperState:
    keypoints = np.full((12, 3), np.nan)
    keypoints[Keypoint.RIGHT_SHOULDER] = [*pose.body, 1.4]
    keypoints[Keypoint.RIGHT_WRIST] = pose.wrist
    mean = np.array([*pose.body, pose.speed, 0.0, 1.7])
    sds = np.full(12, 0.05)
    return ShopperState(track_id, TrackState.CONFIRMED, 1.0, mean, np.eye(5) * 0.01, keypoints, sds, 0.0)


def face_to_face(at: tuple[float, float] = MIDDLE, out_m: float = 0.3, height_m: float = 1.05, speed: float = 0.0):
    return [
        Pose((at[0], at[1] + side * (out_m + 0.08)), (at[0], at[1] + side * 0.08, height_m), speed) for side in (1, -1)
    ]


def watch(poses: list[Pose], seconds: float, apart: list[Pose], watcher: HandWatch | None = None) -> list[HandsMet]:
    watcher = watcher or HandWatch(MeetingParameters(), STORE)
    met = []
    for frame in range(100):
        now = poses if 1.0 <= frame / 10 < 1.0 + seconds else apart
        states = tuple(state(track, pose) for track, pose in enumerate(now, 1))
        met += watcher.add(Shoppers(frame * S // 10, states))
    return met


APART = [Pose((1.6, 1.5), (1.6, 1.2, 1.05)), Pose((1.6, -1.5), (1.6, -1.2, 1.05))]


def test_hands_held_together_have_met_once() -> None:
    (met,) = watch(face_to_face(), 1.5, APART)
    assert met.tracks == (1, 2)
    assert met.seconds == pytest.approx(1.5, abs=0.05)
    assert met.stamp_ns / S == pytest.approx(1.7, abs=0.1)


@pytest.mark.parametrize(
    "poses",
    [
        face_to_face(out_m=0.1),
        face_to_face(height_m=0.8),
        face_to_face(speed=0.9),
        face_to_face(at=(0.3, 0.0)),
        [Pose((1.6, 0.5), (1.6, 0.25, 1.05)), Pose((1.6, -0.5), (1.6, -0.25, 1.05))],
        [Pose((1.6, 0.0), (1.6, 0.3, 1.05)), Pose((1.6, 0.1), (1.6, 0.4, 1.05))],
    ],
    ids=["held at the body", "hanging", "walking past", "at the shelf", "too far apart", "seen twice"],
)
def test_other_hands_have_not_met(poses: list[Pose]) -> None:
    assert watch(poses, 3.0, APART) == []


def test_a_moment_is_no_meeting() -> None:
    assert watch(face_to_face(), 0.4, APART) == []


def test_hands_that_are_not_known_have_not_met() -> None:
    unknown = [Pose((1.6, 0.3), (np.nan, np.nan, np.nan)), Pose((1.6, -0.3), (1.6, 0.0, 1.05))]
    assert watch(unknown, 3.0, APART) == []


def attributor_after(moves: list[tuple[int, int, float, float]], meeting_s: float) -> Attributor:
    """Return the attribution after ``moves`` (track, lane, second, grams), with hands that met at ``meeting_s``."""
    attributor = Attributor(AttributionParameters(), STORE)
    events = [(track, f"g1/{lane // 5}/{lane % 5}", round(at_s * S), grams) for track, lane, at_s, grams in moves]
    for frame in range(300):
        now_ns = frame * S // 10
        poses = list(APART)
        if abs(frame / 10 - meeting_s) <= 0.7:
            poses = face_to_face()
        for track, lane_id, onset_ns, _ in events:
            if -0.3 * S <= now_ns - onset_ns <= 0.9 * S:
                place = STORE.lane_sites[lane_id].position + np.array([0.1, 0.0, 0.12])
                poses[track - 1] = Pose((0.8, float(place[1])), (float(place[0]), float(place[1]), float(place[2])))
        attributor.add_shoppers(Shoppers(now_ns, tuple(state(track, pose) for track, pose in enumerate(poses, 1))))
        for _, lane_id, onset_ns, grams in events:
            if onset_ns + S == now_ns:
                attributor.add_event(
                    WeightEvent(f"{lane_id}@{onset_ns}", "g1", (lane_id,), (grams,), onset_ns, now_ns, grams, 0.6)
                )
        attributor.advance(now_ns)
    return attributor


def test_after_hands_met_either_may_have_it() -> None:
    attributor = attributor_after([(1, 4, 3.0, -WEIGHTS_G[4])], 10.0)
    (met,) = attributor.take_meetings()
    assert attributor.take_meetings() == []
    for track in (1, 2):
        visit = attributor.estimate_visit([track], 0, 30 * S)
        assert visit.met == (met,)
        assert 0.1 < visit.counts["sku4"][1] < 0.9
        assert visit.interaction_ids["sku4"]
        assert visit.camera_ids.keys() == visit.interaction_ids.keys()


def test_hands_of_one_party_that_meet_change_nothing() -> None:
    attributor = attributor_after([(1, 4, 3.0, -WEIGHTS_G[4])], 10.0)
    visit = attributor.estimate_visit([1, 2], 0, 30 * S)
    assert visit.met == ()
    assert visit.counts["sku4"][1] > 0.9


def test_who_puts_back_what_another_took_was_handed_it() -> None:
    moves = [(1, 4, 3.0, -WEIGHTS_G[4]), (1, 0, 6.0, -WEIGHTS_G[0]), (2, 4, 20.0, WEIGHTS_G[4])]
    attributor = attributor_after(moves, 12.0)
    first = attributor.estimate_visit([1], 0, 30 * S)
    assert first.counts["sku4"][0] > 0.9
    assert first.counts["sku0"][1] > 0.9
    second = attributor.estimate_visit([2], 0, 30 * S)
    assert second.counts["sku4"][0] > 0.9
    assert [(i.best.track_id, i.best.kind) for i in second.interactions][-1] == (2, InteractionKind.RETURN)


def test_a_meeting_survives_a_restart_and_follows_its_heir() -> None:
    met = HandsMet(5 * S, 9, 2, 1.0)
    assert HandsMet(**met.to_document()) == met
    assert met.renamed(9, 1).tracks == (1, 2)
    assert met.other(frozenset({9})) == 2
    assert met.other(frozenset({2, 9})) is None
    assert met.other(frozenset({4})) is None
