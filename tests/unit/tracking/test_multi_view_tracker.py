from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracked_scenes import ENTRY, EXIT, Walker, confirmed, record, room, run, shelf

from walkout.store.model import Zone, ZoneKind
from walkout.tracking.births import Birth
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.track import born
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.types import Shoppers, TrackState


def errors(snapshots: Sequence[Shoppers], walker: Walker, track_id: int) -> np.ndarray:
    found = []
    for snapshot in snapshots:
        here = walker.place(snapshot.stamp_ns / 1e9)
        for s in confirmed(snapshot):
            if s.track_id == track_id and here is not None:
                found.append(np.hypot(*(s.mean[:2] - here)))
    return np.array(found)


WALKER = Walker(lambda t: (1.0 + 0.7 * t, 2.5 + 0.6 * float(np.sin(0.9 * t))))


@pytest.mark.parametrize("keypoints", [True, False])
def test_a_single_walker_is_followed_within_ten_centimetres(keypoints: bool) -> None:
    snapshots = run(MultiViewTracker(TrackerParameters(), room()), record([WALKER], 6, keypoints=keypoints))
    ids = {s.track_id for snapshot in snapshots for s in confirmed(snapshot)}
    assert len(ids) == 1
    error = errors(snapshots[10:], WALKER, ids.pop())
    assert len(error) > 40
    assert np.median(error) < 0.10
    assert np.quantile(error, 0.95) < 0.20


def test_the_error_that_all_views_share_widens_what_is_published_and_nothing_else() -> None:
    shared, alone = (
        run(MultiViewTracker(TrackerParameters(place_floor_sd=sd), room()), record([WALKER], 2))[-3].shoppers[0]
        for sd in (0.2, 0.0)
    )
    widened = shared.covariance - alone.covariance
    assert widened == pytest.approx(np.diag([0.04, 0.04, 0.0, 0.0, 0.0]), abs=1e-12)
    assert shared.mean == pytest.approx(alone.mean, abs=1e-12)


def test_the_height_is_learnt() -> None:
    small = replace(WALKER, height=1.45)
    last = confirmed(run(MultiViewTracker(TrackerParameters(), room()), record([small], 5))[-3])
    assert last[0].mean[4] == pytest.approx(1.45, abs=0.07)


@pytest.mark.parametrize("seed", range(3))
def test_two_shoppers_who_cross_keep_their_ids(seed: int) -> None:
    right = Walker(lambda t: (1.0 + 0.8 * t, 2.3), look=1)
    left = Walker(lambda t: (5.0 - 0.8 * t, 2.7), height=1.65, look=2)
    snapshots = run(MultiViewTracker(TrackerParameters(), room()), record([right, left], 5, seed=seed))
    assert {len(confirmed(s)) for s in snapshots[8:-2]} == {2}
    first = confirmed(snapshots[8])
    own = min(first, key=lambda s: s.mean[0]).track_id
    assert np.median(errors(snapshots[35:], right, own)) < 0.15


def test_standing_behind_a_shelf_does_not_end_a_track() -> None:
    fixture = shelf(3.0, 2.5, height=2.2)
    cameras = [c for c in room() if c.camera_id in ("c0", "c2")]
    walker = Walker(lambda t: (3.7, 2.5 - 0.6 * abs(t - 3.5)))  # goes behind the shelf, turns, comes back
    frames = record([walker], 6.5, cameras=cameras, fixtures=[fixture])
    hidden = [f.stamp_ns for f in frames if 2.5e9 < f.stamp_ns < 4.5e9 and not len(f)]
    assert len(hidden) > 20
    snapshots = run(MultiViewTracker(TrackerParameters(), cameras, fixtures=[fixture]), frames)
    assert {s.track_id for snapshot in snapshots for s in snapshot.shoppers} == {1}
    assert {s.state for snapshot in snapshots[10:] for s in snapshot.shoppers} == {TrackState.CONFIRMED}


@pytest.mark.parametrize("keypoints", [True, False])
@pytest.mark.parametrize("seed", range(2))
def test_a_shopper_who_crouches_before_a_shelf_stays_the_same_shopper(keypoints: bool, seed: int) -> None:
    def place(t: float) -> tuple[float, float]:
        return (0.6 + 0.8 * min(t, 2.5), 0.5 + 0.7 * float(np.clip(t - 2.5, 0, 2)))

    shopper = Walker(place, stoop=lambda t: 0.65 * float(np.clip(min(t - 5.0, 8.5 - t), 0.0, 1.0)))
    fixture = shelf(3.2, 1.9, height=1.5)
    cameras = room()[:3]
    frames = record([shopper], 10, seed=seed, cameras=cameras, fixtures=[fixture], keypoints=keypoints)
    snapshots = run(MultiViewTracker(TrackerParameters(), cameras, [ENTRY, EXIT], [fixture]), frames)
    known = [{(s.track_id, s.from_entry) for s in confirmed(snapshot)} for snapshot in snapshots[30:-2]]
    assert known == [{(1, True)}] * len(known)
    low = [s.mean[4] for snapshot in snapshots if 6.3e9 < snapshot.stamp_ns < 7.2e9 for s in confirmed(snapshot)]
    assert np.median(low) < 1.3
    assert confirmed(snapshots[-3])[0].mean[4] == pytest.approx(1.72, abs=0.12)


def test_births_need_two_views() -> None:
    frames = [f for f in record([WALKER], 3) if f.camera_id == "c0"]
    snapshots = run(MultiViewTracker(TrackerParameters(), room()), frames)
    assert not any(s.shoppers for s in snapshots)


def test_only_the_entry_makes_shoppers_known() -> None:
    inside = Walker(lambda t: (3.0 + 0.3 * t, 3.5), look=1)
    enters = Walker(lambda t: (0.6, 0.5 + 0.5 * t), look=2)
    tracker = MultiViewTracker(TrackerParameters(), room(), [ENTRY, EXIT])
    last = run(tracker, record([inside, enters], 5))[-3]
    known = {s.from_entry for s in confirmed(last) if s.mean[0] < 1.5}
    unknown = {s.from_entry for s in confirmed(last) if s.mean[0] > 2.5}
    assert known == {True}
    assert unknown == {False}


def test_furniture_that_never_moves_is_not_a_shopper_in_a_closed_store() -> None:
    mannequin = Walker(lambda t: (4.0, 3.0))
    tracker = MultiViewTracker(TrackerParameters(), room(), [ENTRY, EXIT])
    assert not any(confirmed(s) for s in run(tracker, record([mannequin], 6)))


def test_leaving_through_the_exit_closes_the_track_once() -> None:
    walker = Walker(lambda t: (0.6 + 0.9 * t, 0.5) if t < 5.5 else None)
    tracker = MultiViewTracker(TrackerParameters(), room(), [ENTRY, EXIT])
    snapshots = run(tracker, record([walker], 9))
    closed = [s.track_id for snapshot in snapshots for s in snapshot.shoppers if s.state is TrackState.CLOSED]
    assert closed == [1]
    assert not snapshots[-1].shoppers


@pytest.mark.parametrize(("existence", "taken_by"), [(0.999, "other"), (0.1, "neighbour")])
def test_who_is_probably_gone_takes_nothing_that_may_be_his_neighbours(existence: float, taken_by: str) -> None:
    """A box 20 cm from a neighbour, just where somebody else should be: his, unless he is hardly there any more."""
    frame = record([Walker(lambda t: (3.0, 2.5))], 0.1, miss=0.0)[0]
    tracker = MultiViewTracker(TrackerParameters(), room())
    view = tracker._views["c0"]
    tracks = [
        born(number, Birth(np.array([x, 2.5, 0.0, 0.0, 1.72]), variance * np.eye(5), belief, ()), 0, True, set())
        for number, (x, variance, belief) in enumerate([(3.2, 0.003, 0.999), (3.0, 0.01, existence)])
    ]
    matched = tracker._settle(view, tracks, view.observe(frame))
    assert [("neighbour", "other")[k] for k in matched.tracks] == [taken_by]


def test_a_lost_shopper_is_found_again_under_the_same_id() -> None:
    def place(t: float) -> tuple[float, float] | None:
        if 4 < t < 8:
            return None  # nobody sees him for four seconds
        return (0.6 + 0.6 * min(t, 4.0), 0.8) if t < 8 else (3.0 + 0.3 * (t - 8), 1.6)

    tracker = MultiViewTracker(TrackerParameters(), room(), [ENTRY, EXIT])
    snapshots = run(tracker, record([Walker(place)], 12))
    states = [{s.track_id: s.state for s in snapshot.shoppers} for snapshot in snapshots]
    assert any(state.get(1) is TrackState.LOST for state in states)
    assert states[-2] == {1: TrackState.CONFIRMED}
    assert confirmed(snapshots[-2])[0].from_entry


def test_who_was_lost_for_long_is_found_again_far_away() -> None:
    def place(t: float) -> tuple[float, float] | None:
        if 3 < t < 15:
            return None
        return (0.6 + 0.6 * min(t, 3.0), 0.8) if t < 15 else (5.2 - 0.4 * (t - 15), 2.6)

    tracker = MultiViewTracker(TrackerParameters(), room(), [ENTRY, EXIT], [shelf(3.0, 2.5, height=1.5)])
    snapshots = run(tracker, record([Walker(place)], 18))
    assert {s.track_id: s.from_entry for s in confirmed(snapshots[-2])} == {1: True}


def test_with_two_missing_who_look_alike_a_stranger_stays_unknown_but_may_be_either() -> None:
    def place(start: float, gone: float) -> Callable[[float], tuple[float, float] | None]:
        return lambda t: (0.6 + 0.6 * (t - start), 0.8) if start <= t < gone else None

    lost = [Walker(place(0.0, 3.0)), Walker(place(5.0, 8.0))]
    back = Walker(lambda t: (5.2 - 0.4 * (t - 17), 2.6) if t > 17 else None)
    tracker = MultiViewTracker(TrackerParameters(), room(), [ENTRY, EXIT], [shelf(3.0, 2.5, height=1.5)])
    (stranger,) = confirmed(run(tracker, record([*lost, back], 20))[-2])
    assert not stranger.from_entry
    assert set(stranger.candidate_ids[1:]) == {1, 2}
    assert min(stranger.candidate_probabilities[1:]) > 0.2


def test_somebody_else_is_not_taken_for_a_lost_shopper() -> None:
    gone = Walker(lambda t: (0.6 + 0.6 * t, 0.8) if t < 4 else None, height=1.85, look=1)
    other = Walker(lambda t: None if t < 7 else (2.5 + 0.3 * (t - 7), 3.5), height=1.5, look=2)
    tracker = MultiViewTracker(TrackerParameters(), room(), [ENTRY, EXIT])
    last = run(tracker, record([gone, other], 12))[-2]
    assert [s.from_entry for s in confirmed(last)] == [False]


@pytest.mark.parametrize("zones", [(), (Zone("all", ZoneKind.ENTRY, ((0, 0), (6, 0), (6, 5), (0, 5))),)])
def test_two_tracks_on_one_shopper_become_one(zones: tuple[Zone, ...]) -> None:
    tracker = MultiViewTracker(TrackerParameters(min_separation=0.05), room(), zones)
    frames = record([WALKER], 6)
    doubled = []
    for frame in frames:  # for a while every camera reports him twice, half a shoulder apart
        if frame.stamp_ns > 2e9 or not len(frame):
            doubled.append(frame)
            continue
        shift = np.array([22, 0, 22, 0], dtype=np.float32)
        points = frame.keypoints * np.array([1, 1, 0], dtype=np.float32)
        doubled.append(
            replace(
                frame,
                boxes=np.concatenate([frame.boxes - shift / 2, frame.boxes + shift / 2]),
                scores=np.concatenate([frame.scores] * 2),
                keypoints=np.concatenate([points] * 2),
                appearance=np.concatenate([frame.appearance] * 2),
            )
        )
    snapshots = run(tracker, doubled)
    assert max(len(confirmed(s)) for s in snapshots) == 2
    assert len(snapshots[-2].shoppers) == 1


def test_the_order_of_arrival_inside_the_window_does_not_matter() -> None:
    frames = record([WALKER, Walker(lambda t: (5.0 - 0.5 * t, 3.4), look=1)], 4)
    rng = np.random.default_rng(1)
    shuffled = sorted(frames, key=lambda f: f.stamp_ns + rng.uniform(0, 0.14e9))
    assert [f.stamp_ns for f in shuffled] != [f.stamp_ns for f in frames]
    trackers = [MultiViewTracker(TrackerParameters(), room()) for _ in range(2)]
    first, second = (run(t, f) for t, f in zip(trackers, (frames, shuffled), strict=True))
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.stamp_ns == b.stamp_ns
        for s, r in zip(a.shoppers, b.shoppers, strict=True):
            assert s.track_id == r.track_id
            np.testing.assert_array_equal(s.mean, r.mean)
            np.testing.assert_array_equal(s.keypoints, r.keypoints)
    assert not trackers[1].reports


def test_frames_that_come_too_late_are_reported_and_dropped() -> None:
    frames = record([WALKER], 3)
    late = frames.pop(20)
    frames.append(late)
    tracker = MultiViewTracker(TrackerParameters(), room())
    run(tracker, frames)
    assert any("later than" in message for message in tracker.reports)


def test_snapshots_lie_on_the_grid_without_gaps() -> None:
    stamps = [s.stamp_ns for s in run(MultiViewTracker(TrackerParameters(), room()), record([WALKER], 3))]
    assert stamps == list(range(stamps[0], stamps[-1] + 1, 100_000_000))
    assert stamps[0] % 100_000_000 == 0


def test_without_detections_the_clock_goes_on_and_shoppers_get_lost() -> None:
    tracker = MultiViewTracker(TrackerParameters(), room())
    for frame in record([WALKER], 3):
        tracker.update(frame)
    for tick in range(30, 100):
        tracker.advance(tick * 100_000_000)
    last = tracker.drain()[-1]
    assert last.stamp_ns > 7e9
    assert [s.state for s in last.shoppers] == [TrackState.LOST]


def test_silence_counts_from_the_newest_stamp_so_that_a_lagging_detector_loses_nothing() -> None:
    tracker = MultiViewTracker(TrackerParameters(), room())
    frames = record([WALKER], 4)
    for frame in frames:
        tracker.update(frame)
        tracker.wait(0.3)  # the clock may be minutes ahead of the stamps: only silence counts
    assert not tracker.reports
    assert [s.state for s in tracker.drain()[-1].shoppers] == [TrackState.CONFIRMED]
    tracker.wait(8.0)
    assert [s.state for s in tracker.drain()[-1].shoppers] == [TrackState.LOST]


def test_a_clock_that_jumps_back_starts_afresh_with_new_ids() -> None:
    frames = record([WALKER], 4)
    tracker = MultiViewTracker(TrackerParameters(), room())
    before = {s.track_id for snapshot in run(tracker, frames) for s in snapshot.shoppers}
    again = run(tracker, frames)
    after = {s.track_id for snapshot in again for s in snapshot.shoppers}
    assert any("afresh" in message for message in tracker.reports)
    assert len(confirmed(again[-2])) == 1
    assert not before & after


def test_one_camera_whose_clock_is_an_hour_ahead_does_not_stop_the_others() -> None:
    frames = [
        replace(f, stamp_ns=f.stamp_ns + 3_600_000_000_000) if f.camera_id == "c3" else f for f in record([WALKER], 5)
    ]
    tracker = MultiViewTracker(TrackerParameters(), room())
    snapshots = []
    for frame in frames:
        tracker.update(frame)
        snapshots += tracker.drain()
    assert snapshots[-1].stamp_ns < 10e9
    assert len(confirmed(snapshots[-1])) == 1


def test_bad_detections_are_reported_and_survived() -> None:
    tracker = MultiViewTracker(TrackerParameters(), room())
    frames = []
    for frame in record([WALKER], 4):
        broken = np.full((1, 4), np.nan, dtype=np.float32)
        points = frame.keypoints.copy()
        points[:, 5] = np.nan
        frames.append(
            replace(
                frame,
                boxes=np.concatenate([frame.boxes, broken, [[9, 9, 3, 3]]]).astype(np.float32),
                scores=np.concatenate([frame.scores, [0.9, 0.9]]).astype(np.float32),
                keypoints=np.concatenate([points, np.zeros((2, 12, 3))]).astype(np.float32),
                appearance=np.zeros((len(frame) + 2, 0), dtype=np.float32),
            )
        )
        frames.append(replace(frame, camera_id="nowhere"))
        frames.append(replace(frame, boxes=np.zeros((3, 4), dtype=np.float32)))
    snapshots = run(tracker, frames)
    assert len(confirmed(snapshots[-2])) == 1
    assert any("nowhere" in message for message in tracker.reports)
    assert any("malformed" in message for message in tracker.reports)


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0.5, 2.5)), min_size=1, max_size=3))
@settings(max_examples=6, deadline=None)
def test_ids_are_never_reused(episodes: list[tuple[int, float]]) -> None:
    tracker = MultiViewTracker(TrackerParameters(lost_keep_s=0.5), room())
    closed: set[int] = set()
    start = 0.0
    for kind, seconds in episodes:
        offset = int(start * 1e9)
        frames = [replace(f, stamp_ns=f.stamp_ns + offset) for f in record([WALKER], seconds)]
        for snapshot in run(tracker, frames):
            for s in snapshot.shoppers:
                assert s.track_id not in closed
            closed |= {s.track_id for s in snapshot.shoppers if s.state is TrackState.CLOSED}
        if kind:
            closed |= {s.track_id for s in tracker.shoppers(offset).shoppers}
            tracker.reset()
        start += seconds + 4


@given(st.permutations(range(3)), st.integers(0, 5))
@settings(max_examples=4, deadline=None)
def test_identity_probabilities_are_a_distribution(order: list[int], seed: int) -> None:
    walkers = [
        Walker(lambda t, k=k: (1.2 + 0.6 * t, 2.2 + 0.45 * order[k] * abs(1 - 0.5 * t)), look=k) for k in range(3)
    ]
    for snapshot in run(MultiViewTracker(TrackerParameters(), room()), record(walkers, 3, seed=seed)):
        for s in snapshot.shoppers:
            assert s.candidate_ids[0] == s.track_id
            assert len(s.candidate_ids) == len(set(s.candidate_ids)) == len(s.candidate_probabilities)
            assert all(0 <= p <= 1 for p in s.candidate_probabilities)
            assert sum(s.candidate_probabilities) <= 1 + 1e-6
            assert np.linalg.eigvalsh(s.covariance).min() > 0


def test_parameters_out_of_range_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"gate_sigma.*1\.0 \.\. 10\.0"):
        TrackerParameters(gate_sigma=0.0)
    with pytest.raises(ValueError, match="box_noise"):
        TrackerParameters(box_noise=float("nan"))
