import json

import numpy as np
import pytest

from walkout.cli import main
from walkout.drivers.types import Frame
from walkout.evaluation.comparison import compare
from walkout.evaluation.stage_benchmark import Stopwatch, cameras_per_core, count_copies, time_ledger


def test_cameras_per_core_is_what_a_frame_costs():
    watch = Stopwatch()
    assert cameras_per_core(watch) is None
    watch.cpu_ms["detector"] += [4.0, 6.0]
    watch.cpu_ms["tracker"] += [1.0, 3.0]
    # 5 + 2 ms a frame, ten frames a second: 70 ms of a core per camera.
    assert cameras_per_core(watch) == pytest.approx(1000 / 70)
    assert cameras_per_core(watch, 5.0) == pytest.approx(1000 / 35)


def test_stopwatch_counts_by_stage():
    watch = Stopwatch()
    for _ in range(3):
        watch.stop("tracker", watch.start())
    row = watch.to_json()["tracker"]
    assert row["calls"] == 3
    assert 0 <= row["cpu_ms_p50"] <= row["cpu_ms_p95"]


def test_copies_of_a_frame_are_counted():
    frame = Frame("c1", 0, np.zeros((480, 640, 3), np.uint8))
    hops = {hop.name: hop for hop in count_copies(frame)}
    assert hops["driver to detector in one process"].copies == 0
    assert hops["picture to ROS message"].copies == pytest.approx(1.0, abs=0.05)
    assert hops["ROS message to picture"].copies == 0
    assert hops["picture to the network's input"].copies == pytest.approx(0.25, abs=0.02)


def test_ledger_is_measured_beside_sqlite():
    found = time_ledger(5)
    assert found["ours_ms"] > 0
    assert found["ratio"] == pytest.approx(found["ours_ms"] / found["reference_ms"], abs=0.01)


def test_comparison_takes_what_both_have():
    old = {"machine": {"cores": 2}, "stages": {"tracker": {"cpu_ms_p50": 2.0, "calls": 10}, "gone": {"calls": 1}}}
    new = {"machine": {"cores": 4}, "stages": {"tracker": {"cpu_ms_p50": 3.0, "calls": 10}}, "more": 1}
    changes = {change.name: change for change in compare(old, new)}
    assert set(changes) == {"stages / tracker / cpu_ms_p50", "stages / tracker / calls"}
    assert changes["stages / tracker / cpu_ms_p50"].ratio == 1.5
    assert changes["stages / tracker / cpu_ms_p50"].changed
    assert not changes["stages / tracker / calls"].changed


def test_small_changes_are_noise_and_nothing_has_no_ratio():
    (same,) = compare({"a": 100}, {"a": 91})
    (appeared,) = compare({"a": 0}, {"a": 3})
    assert not same.changed
    assert appeared.changed
    assert appeared.ratio is None


@pytest.mark.parametrize(
    ("text", "words"), [(None, "No such file"), ("{", "is not JSON"), (json.dumps({"total": {}}), "no figures")]
)
@pytest.mark.parametrize("kind", ["stages", "transport", "tracker"])
def test_a_wrong_old_file_is_one_clear_line(kind, text, words, tmp_path, capsys):
    old = tmp_path / "old.json"
    if text is not None:
        old.write_text(text)
    assert main(["benchmark", kind, "--compare", str(old)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


def test_stages_of_a_scenario(tmp_path, capsys, monkeypatch):
    # Another process and the network are tests/graph's business.
    monkeypatch.setattr("walkout.evaluation.benchmark._transport", lambda: None)
    out = tmp_path / "out.json"
    arguments = ["benchmark", "stages", "--scenario", "kiosk_one", "--seconds", "1"]
    assert main([*arguments, "--json", str(out), "--compare", str(_old(tmp_path))]) == 0
    figures = json.loads(out.read_text())
    assert {"detector", "tracker", "shelf monitor", "carts: nothing new", "simulator and renderer"} <= set(
        figures["stages"]
    )
    # Three cameras, ten times a second.
    assert 27 <= figures["stages"]["detector"]["calls"] <= 31
    assert figures["cameras_per_core_at_10_hz"] > 0
    assert {"ours_ms", "norfair_ms", "sort_ms"} == set(figures["tracker"])
    shown = capsys.readouterr().out
    assert "cameras per core" in shown
    assert "Changed by more than a tenth" in shown


def _old(folder):
    path = folder / "old.json"
    path.write_text(json.dumps({"machine": {}, "stages": {"detector": {"calls": 1}}}))
    return path
