"""Receipts of a few whole visits from pixels to payment, held to what the store reaches today.

This is `walkout evaluate suite --quick`. Who makes the store better raises the thresholds; who lowers them says why.
"""

from __future__ import annotations

import pytest

from walkout.evaluation.results import total_of
from walkout.evaluation.scenario_jobs import make_jobs, run_jobs, scenario_files
from walkout.evaluation.suite_command import QUICK, QUICK_SEEDS
from walkout.evaluation.true_perception import Perception

MACHINE_FIGURES = ("elapsed_s", "stage_cpu_s", "real_time_factor", "cpu_s_per_store_minute")
MACHINE_LATENCIES = ("event_to_cart_cpu_s", "exit_to_receipt_cpu_s")


@pytest.fixture(scope="module")
def results():
    jobs = make_jobs(scenario_files(QUICK), QUICK_SEEDS, Perception.PIXELS)
    # The first once more: the same seed must give the same figures.
    return run_jobs([*jobs, jobs[0]], 2)


@pytest.mark.timeout(1800)
def test_receipts_are_as_good_as_they_were(results):
    total = total_of(results[:-1])
    score = total.score
    assert score.trips == 4
    assert score.missing_receipts == 0
    assert score.exact_receipts == 4, [mistake for result in results for mistake in result.mistakes]
    assert score.item_f1 == 1.0
    assert score.overcharge_minor == 0
    assert score.shopper_accuracy == 1.0
    assert score.event_precision >= 0.9
    assert score.reviews <= 1


@pytest.mark.timeout(1800)
def test_times_and_places_are_as_good_as_they_were(results):
    figures = total_of(results[:-1]).to_json()
    assert figures["latency"]["event_to_cart_s"]["p95"] < 3.0
    assert figures["latency"]["exit_to_receipt_s"]["p95"] < 10.0
    assert figures["tracking"]["idf1"] > 0.9
    assert figures["tracking"]["error_cm"] < 15.0


@pytest.mark.timeout(1800)
def test_the_same_seed_gives_the_same_figures(results):
    once, again = _without_machine(results[0]), _without_machine(results[-1])
    assert once == again


def _without_machine(result):
    figures = result.figures.to_json()
    latency = {name: value for name, value in figures["latency"].items() if name not in MACHINE_LATENCIES}
    return {name: value for name, value in figures.items() if name not in MACHINE_FIGURES} | {"latency": latency}
