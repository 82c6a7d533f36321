import json
from pathlib import Path

import numpy as np
import pytest

from walkout.cli import main
from walkout.evaluation.made_traces import KINDS, TrueChange
from walkout.evaluation.shelf_trace import ShelfTrace, TraceEvent, find_events, spread_equal_stamps
from walkout.evaluation.shelf_trace_command import measure_one
from walkout.evaluation.shelf_trace_metrics import TraceScore, score_events
from walkout.evaluation.trace_file import TraceError, read_trace


def step(rate_hz: float, at_s: float = 5.0, delta_g: float = -200.0, seconds: float = 12.0) -> ShelfTrace:
    rng = np.random.default_rng(7)
    time_s = np.arange(0, seconds, 1 / rate_hz)
    grams = np.array([1500.0, -800.0]) + rng.normal(0, 0.8, (len(time_s), 2))
    grams[time_s >= at_s, 1] += delta_g
    return ShelfTrace(("p1", "p2"), time_s, grams)


def write(path: Path, trace: ShelfTrace) -> Path:
    rows = [",".join(["t", *trace.names])]
    rows += [
        ",".join([f"{t:.4f}", *(f"{g:.2f}" for g in row)]) for t, row in zip(trace.time_s, trace.grams, strict=True)
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("rate_hz", [5.0, 10.0, 20.0, 60.0, 80.0, 250.0])
def test_a_step_is_found_at_any_rate(rate_hz: float) -> None:
    (event,) = find_events(step(rate_hz))
    assert event.plates == ("p2",)
    assert event.delta_g == pytest.approx(-200, abs=2)
    assert event.onset_s == pytest.approx(5.0, abs=0.3)


def test_the_command_writes_events_on_the_clock_of_the_file(tmp_path: Path) -> None:
    trace = step(20.0)
    file = write(tmp_path / "trace.csv", ShelfTrace(trace.names, trace.time_s + 1_600_000_000, trace.grams))
    assert main(["evaluate", "shelf-trace", str(file), "--json", str(tmp_path / "out.json")]) == 0
    (event,) = json.loads((tmp_path / "out.json").read_text())["events"]
    assert set(event) == {"plates", "onset_s", "end_s", "delta_g", "sd_g"}
    assert event["onset_s"] == pytest.approx(1_600_000_005, abs=0.3)


def test_rows_out_of_order_missing_values_and_one_stamp_per_batch_are_read(tmp_path: Path) -> None:
    trace = step(60.0)
    batched = np.floor(trace.time_s / 0.2) * 0.2
    grams = trace.grams.copy()
    grams[100:103] = np.nan
    order = np.random.default_rng(1).permutation(len(batched))
    # Within a batch the order is kept by the stable sort of the whole.
    order = order[np.argsort(order // 12, kind="stable")]
    order = np.sort(order).reshape(-1, 12)[::-1].ravel()
    file = write(tmp_path / "trace.csv", ShelfTrace(trace.names, batched[order], grams[order]))
    text = file.read_text().replace("nan", "")
    file.write_text(text)
    (event,) = find_events(read_trace(file))
    assert event.delta_g == pytest.approx(-200, abs=2)


def test_equal_stamps_share_the_time_until_the_next() -> None:
    assert spread_equal_stamps(np.array([0.0, 0.0, 1.0, 1.0])) == pytest.approx([0, 0.5, 1, 1.5])
    assert spread_equal_stamps(np.array([0.0, 1.0, 3.0])) == pytest.approx([0, 1, 3])


def test_a_change_during_a_gap_is_an_event_and_a_long_pause_begins_anew() -> None:
    trace = step(20.0)
    keep = (trace.time_s < 4.5) | (trace.time_s > 5.5)
    (event,) = find_events(ShelfTrace(trace.names, trace.time_s[keep], trace.grams[keep]))
    assert event.delta_g == pytest.approx(-200, abs=2)
    pause = np.where(trace.time_s < 5.0, trace.time_s, trace.time_s + 600)
    assert find_events(ShelfTrace(trace.names, pause, trace.grams)) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("time,p1\n0,1\n", "no column 't'"),
        ("t\n0\n", "no plate beside"),
        ("t,p1,p1\n0,1,2\n", "comes twice"),
        ("t,p1\n0,1\n1,heavy\n", "line 3: column p1: 'heavy' is not a number"),
        ("t,p1\n0,1\n1\n", "line 3: 1 fields"),
        ("t,p1\n0,1\n,2\n", "line 3: column t is missing"),
        ("t,p1\n0,1\n1,2\n", "has 2 readings"),
        ("t,p1\n" + "3,1\n" * 20, "never advances"),
    ],
)
def test_spoilt_files_are_refused_with_the_place_and_the_remedy(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(content)
    with pytest.raises(TraceError, match=words):
        read_trace(file)


def test_wrong_use_is_one_line_and_an_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], [str(tmp_path)], [str(tmp_path / "none.csv")], ["a.csv", "--made", "3"]):
        assert main(["evaluate", "shelf-trace", *arguments]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_scores_are_those_counted_by_hand() -> None:
    truth = [TrueChange((0,), 5.0, -100.0), TrueChange((1,), 9.0, 50.0)]
    events = [
        TraceEvent(("a",), 4.8, 5.6, -98.0, 1.0),
        TraceEvent(("b",), 8.9, 9.5, -50.0, 1.0),
        TraceEvent(("b",), 30.0, 31.0, 50.0, 1.0),
    ]
    score = score_events(truth, events, ("a", "b"))
    assert (score.true, score.found, score.matched, score.right) == (2, 3, 1, 1)
    assert score.errors_g == pytest.approx((2.0,))
    assert (score + TraceScore()).precision == pytest.approx(1 / 3)
    assert score.recall == pytest.approx(1 / 2)


@pytest.mark.parametrize("kind", KINDS)
def test_hard_traces_are_read_rightly(kind: str) -> None:
    score = sum((measure_one(kind, seed) for seed in range(7000, 7002)), TraceScore())
    # A single miss or ghost in a handful of traces may happen; the documented figures are over many more.
    assert score.true - score.matched <= 1
    assert score.found - score.matched <= 1
    assert score.error_p50_g < 3.5
