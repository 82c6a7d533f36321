import re

import cv2
import numpy as np
import pytest

from walkout.cli import main
from walkout.errors import UserError
from walkout.evaluation.evidence import MomentEvidence, TripEvidence
from walkout.evaluation.figures import Latencies, RunFigures
from walkout.evaluation.judging import Moment, WrongTrip
from walkout.evaluation.plots import weight_plot
from walkout.evaluation.public_figures import compare_with_public
from walkout.evaluation.receipt_metrics import ReceiptScore
from walkout.evaluation.receipts import ScenarioResult
from walkout.evaluation.receipts_command import check_trips
from walkout.evaluation.report import prepare_folder, write_report
from walkout.evaluation.results import document
from walkout.evaluation.statistics import Claim
from walkout.evaluation.suite_page import page, write_page

S = 1_000_000_000
ABOUT = {
    "command": "walkout evaluate <all>",
    "perception": "pixels",
    "runs": 3,
    "runs_planned": 3,
    "commit": "abc123",
    "date": "2026-11-26T12:00:00+00:00",
    "machine": {"host": "box", "processor": "a processor", "cores": 2, "load_1min": 0.5},
}


def score(trips, exact, **more):
    return ReceiptScore(trips=trips, exact_receipts=exact, true_items=4, charged_items=4, right_items=3, **more)


def result(name, scenario_class, seed, trips, exact, wrong=(), evidence=()):
    figures = RunFigures(
        score(trips, exact, value_minor=1000, undercharge_minor=50, events=4, events_found=4, events_right_shopper=3),
        (Claim(0.9, True), Claim(0.8, False)),
        Latencies((1.0, 2.0), (0.01, 0.02), (2.5,), (0.01,)),
    )
    return ScenarioResult(name, scenario_class, seed, figures, tuple(wrong), tuple(evidence))


@pytest.fixture
def results():
    moment = Moment(12 * S, "g1/0/0", 1, "visit 1 took 1 × <b>honey</b>: not noticed")
    far = Moment(14 * S, "g1/0/1", 1, "one more")
    trip = WrongTrip((1,), (7,), 2 * S, 40 * S, True, False, {"honey": (1, 0)}, (moment, far))
    jpeg = cv2.imencode(".jpg", np.zeros((480, 1600, 3), np.uint8))[1].tobytes()
    pictures = MomentEvidence(moment, ("c1", "c2"), jpeg, "<svg>weight</svg>", "<svg>where</svg>")
    wrong = result("swap", "swap between shoppers", 5351, 2, 1, [trip], [TripEvidence(trip, (pictures,))])
    return [wrong, result("one", "one shopper", 5001, 1, 1)]


def test_page_holds_everything_and_needs_nothing(results, tmp_path):
    prepare_folder(tmp_path / "deep" / "report")
    path = write_report(tmp_path / "deep" / "report", results, ABOUT)
    text = path.read_text()
    assert "2 of 3 trips" in text
    assert "walkout evaluate &lt;all&gt;" in text
    assert "&lt;b&gt;honey&lt;/b&gt;" in text
    assert "visit 1: -1 honey" in text
    assert "one more" in text
    assert "swap between shoppers" in text
    assert "<svg>weight</svg>" in text
    assert text.count("data:image/jpeg;base64,") == 1
    assert "Ablation" not in text
    linked = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert all(link.startswith(("data:", "#")) for link in linked)


def test_an_ablation_says_so(results, tmp_path):
    path = write_report(tmp_path, results, ABOUT | {"perception": "keypoints"})
    assert "Ablation" in path.read_text()


def test_a_report_without_a_trip_is_a_page_too(tmp_path):
    empty = ScenarioResult("one", "one", 1, RunFigures(), ())
    assert "Every receipt was exact" in write_report(tmp_path, [empty], ABOUT).read_text()


def test_scenarios_without_a_trip_are_told_of(capsys):
    empty, full = ScenarioResult("quiet", "quiet", 1, RunFigures(), ()), result("one", "one", 1, 1, 1)
    check_trips([empty, full])
    assert "warning: quiet: nobody" in capsys.readouterr().err
    with pytest.raises(UserError, match="quiet: nobody who shops has come in"):
        check_trips([empty, empty])


def test_document_keeps_the_keys_others_read(results):
    written = document(results, ABOUT)
    assert set(written) == {"total", "scenarios", "about"}
    keys = {
        *("trips", "exact_receipts", "item_precision", "item_recall", "item_f1", "shopper_accuracy"),
        *("value_minor", "overcharge_minor", "undercharge_minor", "real_time_factor"),
    }
    for part in (written["total"], *written["scenarios"], written["scenarios"][0]["runs"][0]):
        assert keys <= set(part)
    assert written["total"]["trips"] == 3
    assert written["total"]["calibration_error"] == pytest.approx((2 * 0.1 + 2 * 0.8) / 4)
    assert written["total"]["latency"]["event_to_cart_s"]["count"] == 4


def test_comparisons_take_the_runs_they_are_about(results):
    rows = {row.what: row for row in compare_with_public(results)}
    assert rows["exact receipts"].ours == "66.7% of 3 trips"
    assert rows["exact receipts, several shoppers"].ours == "50.0% of 2 trips"
    assert rows["item F1, swap between shoppers"].ours.startswith("0.75")
    assert rows["item F1, two people close together"].ours == "not measured here"
    assert rows["uptime"].ours == "not measured here"


def test_suite_page_names_commit_classes_and_the_worst(results, tmp_path):
    path = write_page(tmp_path, results, compare_with_public(results), ABOUT)
    assert path.name == "suite-2026-11-26-abc123.md"
    text = path.read_text()
    assert "| one shopper | 1 | 100.0% |" in text
    assert "**swap between shoppers**: 1 of 2 exact" in text
    assert "visit 1: -1 honey" in text
    assert "**one shopper**" not in text
    changed = write_page(tmp_path, results, [], ABOUT | {"commit": "abc123+", "perception": "keypoints"})
    assert changed.name == "suite-2026-11-26-abc123-changed-keypoints.md"
    assert "An ablation" in changed.read_text()
    assert "Interrupted" not in text
    assert "**Interrupted** after 3 of 110 runs" in page(results, [], ABOUT | {"runs_planned": 110})
    assert "Every receipt was exact" in page(results[1:], [], ABOUT)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["suite", "--only", "no such class"], "no class of the suite"),
        (["suite", "--quick", "--only", "swap"], "exclude each other"),
        (["suite", "--pages", "/no/such/folder"], "does not exist"),
        (["receipts", "kiosk_one", "--report", "/proc/report"], "cannot be written"),
    ],
)
def test_wrong_input_is_one_clear_line(arguments, words, capsys):
    assert main(["evaluate", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


def test_the_weight_of_a_dead_plate_is_an_empty_plot():
    assert weight_plot(np.arange(30.0), np.full(30, np.nan), 15.0, [(14.0, 16.0, -100.0)]).startswith("<svg")
