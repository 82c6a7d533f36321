"""Made-up crossings and what they say of identity probabilities."""

import json

import numpy as np
import pytest

from walkout.cli import main
from walkout.evaluation.crossings import claim_figures, figures, follow, judge, matched, score_crossing
from walkout.evaluation.made_crossings import MadeCrossing
from walkout.evaluation.statistics import Claim
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.types import Shoppers, ShopperState, TrackState


def told(made: MadeCrossing, seconds: float, claims: dict[int, dict[int, float]], order=None) -> Shoppers:
    """Return a snapshot of a tracker that places everybody right; track k + 1 stands where person ``order[k]`` does."""
    places = made.at(seconds)
    states = [
        ShopperState(
            number + 1,
            TrackState.CONFIRMED,
            1.0,
            np.array([*places[person], 0, 0, 1.7]),
            np.eye(5),
            np.zeros((12, 3)),
            np.zeros(12),
            0.0,
            candidate_ids=tuple(claims[number + 1]),
            candidate_probabilities=tuple(claims[number + 1].values()),
        )
        for number, person in enumerate(order or range(made.people))
    ]
    return Shoppers(round(seconds * 1e9), tuple(states))


def pair(seed: int = 0) -> MadeCrossing:
    """Return a crossing of two."""
    return next(m for m in map(MadeCrossing, range(seed, seed + 20)) if m.people == 2)


def test_the_same_seed_makes_the_same_crossing_and_nobody_walks_through_anybody():
    first, second = MadeCrossing(5), MadeCrossing(5)
    for one, other in zip(first.frames(), second.frames(), strict=True):
        assert (one.camera_id, one.stamp_ns) == (other.camera_id, other.stamp_ns)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.appearance, other.appearance)
    for seed in range(12):
        made = MadeCrossing(seed)
        gaps = np.linalg.norm(made.places[:, :, None] - made.places[:, None], axis=3) + np.eye(made.people)
        assert 0.15 < gaps.min() < 0.8
        assert made.meets_s < made.parts_s < made.ends_s


def test_in_the_dark_no_camera_finds_anybody():
    for seed in range(12):
        made = MadeCrossing(seed, grade=3)
        counts = [len(frame) for frame in made.frames() if made.is_dark(frame.stamp_ns * 1e-9)]
        assert sum(counts) == 0
        assert made.traits.silent == (not counts)


def test_right_and_wrong_claims_are_told_apart():
    made = pair()
    before, end = told(made, 1.0, {1: {1: 1.0}, 2: {2: 1.0}}), made.ends_s - 0.1
    claims = {1: {1: 0.8, 2: 0.2}, 2: {2: 0.8, 1: 0.2}}
    right = judge(made, 0, [before, told(made, end, claims)])
    assert sorted(right.after, key=lambda c: c.probability) == [Claim(0.2, False)] * 2 + [Claim(0.8, True)] * 2
    assert (right.exchanged, right.lost) == (0, 0)
    wrong = judge(made, 0, [before, told(made, end, claims, order=[1, 0])])
    assert set(wrong.after) == {Claim(0.2, True), Claim(0.8, False)}
    assert wrong.exchanged == 2
    put_right = judge(made, 0, [before, told(made, end - 1, claims, order=[1, 0]), told(made, end, claims)])
    assert (put_right.exchanged, put_right.corrected) == (0, 2)


def test_figures_of_claims():
    row = claim_figures([Claim(0.75, True)] * 3 + [Claim(0.75, False)])
    assert row["calibration_error"] == 0.0
    assert row["brier"] == pytest.approx(0.1875)
    assert row["log_score"] == pytest.approx(0.75 * np.log(0.75) + 0.25 * np.log(0.25), abs=1e-4)
    assert (row["doubtful"], row["doubtful_right"]) == (4, 0.75)
    assert claim_figures([])["brier"] is None


def test_crossings_seen_throughout_leave_no_doubt():
    row = figures([score_crossing(seed, grade=0) for seed in (1300, 1301)])
    assert (row["exchanged"], row["lost"], row["top_right"]) == (0.0, 0.0, 1.0)
    assert row["all"]["doubtful"] == 0


def test_doubts_after_the_dark_are_right_on_average():
    row = figures([score_crossing(seed, grade=1 + seed % 4) for seed in range(1310, 1318)])
    assert row["all"]["doubtful"] > 100
    assert row["all"]["calibration_error"] < 0.25
    assert row["all"]["brier"] < 0.22
    assert row["top_right"] > 0.6
    assert abs(row["top_right"] - row["top_promised"]) < 0.15


@pytest.mark.parametrize(("seed", "exchanged"), [(512, False), (526, False), (522, True), (533, True)])
def test_what_a_revision_says_of_the_past_is_true(seed, exchanged):
    made = MadeCrossing(seed)
    snapshots = follow(made, TrackerParameters())
    (before,) = (s for s in snapshots if s.stamp_ns == round(made.meets_s, 1) * 1e9 - 5e8)
    owners = {
        before.shoppers[k].track_id: person for k, person in matched(before, made.at(before.stamp_ns / 1e9)).items()
    }
    revised = [(s.stamp_ns, state) for s in snapshots for state in s.shoppers if state.revision]
    assert sorted(state.track_id for _, state in revised) == sorted(owners)
    told = []
    for until_ns, state in revised:
        names = dict(zip(state.revision.candidate_ids, state.revision.candidate_probabilities, strict=True))
        likeliest = max(names, key=names.__getitem__)
        assert names[likeliest] > 0.9
        assert (likeliest != state.track_id) == exchanged
        for snapshot in snapshots:
            if state.revision.since_ns + 2e8 < snapshot.stamp_ns < until_ns:
                for k, person in matched(snapshot, made.at(snapshot.stamp_ns / 1e9)).items():
                    if snapshot.shoppers[k].track_id == state.track_id:
                        told.append(owners[likeliest] == person)
    assert len(told) > 20
    assert np.mean(told) > 0.9


def test_the_command_writes_figures_and_a_picture(tmp_path, capsys):
    figures_file, picture = tmp_path / "crossings.json", tmp_path / "reliability.png"
    assert main(["evaluate", "crossings", "--runs", "1", "--json", str(figures_file), "--plot", str(picture)]) == 0
    assert "reliability of all claims" in capsys.readouterr().out
    assert json.loads(figures_file.read_text())["seeds"] == [1000, 1000]
    assert picture.read_bytes().startswith(b"\x89PNG")
