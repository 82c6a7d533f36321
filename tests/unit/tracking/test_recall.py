"""How often cameras find shoppers is learnt, and decides whose an ambiguous detection is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from tracked_scenes import room

from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.recall import Recall
from walkout.tracking.view import View
from walkout.tracking.visibility import Occluders, Visibility

P = TrackerParameters()


def watched(covered: float, count: int, whole: bool = True) -> Visibility:
    """Return what is said of ``count`` shoppers who are all covered alike."""
    told = SimpleNamespace(covered=np.full(count, covered), whole=np.full(count, whole))
    return cast(Visibility, told)


def test_rates_follow_the_detector() -> None:
    recall = Recall(P)
    rng = np.random.default_rng(1)
    assert recall.open == pytest.approx(P.detection_probability)
    for _ in range(500):
        recall.note(watched(0.0, 4), rng.random(4) < 0.6, np.full(4, 2))
        recall.note(watched(1.0, 4), rng.random(4) < 0.55, np.full(4, 3))
    assert recall.rates[0] == pytest.approx(0.6, abs=0.04)
    assert recall.rates[-1] == pytest.approx(0.55, abs=0.04)
    assert recall.open == recall.rates[0]


def test_only_whole_shoppers_whom_two_other_cameras_find_are_counted() -> None:
    recall = Recall(P)
    before = recall.rates
    for _ in range(100):
        recall.note(watched(0.0, 3), np.zeros(3, dtype=np.bool_), np.full(3, 1))
        recall.note(watched(0.0, 3, whole=False), np.zeros(3, dtype=np.bool_), np.full(3, 3))
    assert (recall.rates == before).all()


def test_a_detector_that_finds_the_covered_gives_them_no_handicap() -> None:
    """At first a detection is rather the nearer shopper's; where the covered are found as often, it may be theirs."""
    recall = Recall(P)
    shares = np.array([0.0, 1 / 3, 2 / 3, 1.0])
    first = recall.handicap(shares)
    assert first[0] == 0
    assert (np.diff(first) > 0).all()
    for _ in range(600):
        recall.note(watched(1.0, 4), np.ones(4, dtype=np.bool_), np.full(4, 2))
    assert recall.handicap(shares)[-1] == 0
    assert recall.open == pytest.approx(P.detection_probability)


def test_the_less_probably_somebody_is_there_the_dearer_he_is_to_match() -> None:
    recall = Recall(P)
    cost = recall.handicap(np.zeros(4), np.array([1.0, 0.5, 0.1, 0.001]))
    assert cost[0] == 0
    assert (np.diff(cost) > 0).all()
    odds = 0.1 * recall.rates[0] / (1 - 0.1 * recall.rates[0])
    assert cost[2] == pytest.approx(2 * np.log(recall.rates[0] / (1 - recall.rates[0]) / odds))


def test_nobody_is_taken_for_less_probably_there_than_the_least() -> None:
    recall = Recall(replace(P, least_existence=0.3))
    cost = recall.handicap(np.zeros(3), np.array([0.5, 0.3, 0.001]))
    assert cost[0] < cost[1] == cost[2]


def test_old_counts_are_forgotten() -> None:
    recall = Recall(P)
    for found in (False, True):
        for _ in range(2000):
            recall.note(watched(0.0, 4), np.full(4, found), np.full(4, 2))
    assert recall.rates[0] > 0.9


def test_who_stands_behind_another_is_covered_and_who_is_cut_by_the_border_is_not() -> None:
    camera = room()[0]
    view = View(camera, P)
    ahead = np.array([0.6, 0.6])
    bodies = np.array([[*(camera.position[:2] + 3 * ahead), 1.7], [*(camera.position[:2] + 4 * ahead), 1.5]])
    seen = Visibility(view, bodies, view.predict(bodies), Occluders([]))
    assert seen.covered[0] == 0
    assert seen.covered[1] > 0.6
    assert seen.whole.all()
    below = np.array([[*(camera.position[:2] + 0.3 * ahead), 1.7]])
    cut = Visibility(view, below, view.predict(below), Occluders([]))
    assert not cut.whole.any()
    assert cut.covered[0] == 0
