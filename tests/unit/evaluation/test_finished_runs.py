"""Finished runs survive the end of the command, whatever ended it."""

import dataclasses
import pickle

import pytest

from walkout.cli import main
from walkout.errors import UserError
from walkout.evaluation.finished_runs import FinishedRuns, RunKey, inputs_digest
from walkout.evaluation.receipts import run_scenario
from walkout.evaluation.scenario_jobs import make_jobs, run_jobs
from walkout.evaluation.true_perception import Perception

KIOSK = """\
store: kiosk
arrivals: [{at_s: 1, script: [leave]}]
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenarios") / "visit.yaml"
    path.write_text(KIOSK)
    return path


@pytest.fixture(scope="module")
def result(scenario):
    return run_scenario(scenario, 7, Perception.TRUTH_BOXES)


def _seed(result, seed):
    return dataclasses.replace(result, seed=seed)


def _key(scenario, seed=7):
    return RunKey("visit", inputs_digest(scenario), seed, Perception.PIXELS, False)


def test_only_what_is_missing_is_run(scenario, result, tmp_path, monkeypatch):
    ran = []

    def run(_path, seed, *_):
        ran.append(seed)
        if seed == 9 and len(ran) == 3:
            raise OSError("power cut")
        return _seed(result, seed)

    monkeypatch.setattr("walkout.evaluation.scenario_jobs.run_scenario", run)
    jobs = make_jobs([scenario], [7, 8, 9, 10], Perception.PIXELS)
    with pytest.raises(OSError, match="power cut"):
        run_jobs(jobs, 1, FinishedRuns(tmp_path / "runs", "abc"))
    again = run_jobs(jobs, 1, FinishedRuns(tmp_path / "runs", "abc"))
    assert ran == [7, 8, 9, 9, 10]
    assert again == [_seed(result, seed) for seed in (7, 8, 9, 10)]


def test_a_record_that_a_kill_has_cut_short_is_run_again(scenario, result, tmp_path):
    file = tmp_path / "runs"
    kept = FinishedRuns(file, "abc")
    kept.add(_key(scenario), result)
    whole = file.stat().st_size
    kept.add(_key(scenario, 8), result)
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size - 3)
    kept = FinishedRuns(file, "abc")
    assert kept.get(_key(scenario)) == result
    assert kept.get(_key(scenario, 8)) is None
    assert file.stat().st_size == whole
    kept.add(_key(scenario, 8), _seed(result, 8))
    assert FinishedRuns(file, "abc").get(_key(scenario, 8)) == _seed(result, 8)


def test_a_changed_scenario_is_another_run(scenario, tmp_path):
    other = tmp_path / "visit.yaml"
    other.write_text(KIOSK)
    assert inputs_digest(other) == inputs_digest(scenario)
    other.write_text(KIOSK.replace("at_s: 1", "at_s: 2"))
    assert inputs_digest(other) != inputs_digest(scenario)
    other.write_text(KIOSK.replace("kiosk", "corner"))
    assert inputs_digest(other) != inputs_digest(scenario)


@pytest.mark.parametrize(
    ("content", "commit", "words"),
    [
        (b'{"total": {}}', "abc", "holds no finished runs"),
        (pickle.dumps(["something else"]), "abc", "holds no finished runs"),
        (None, "def", "begun at commit abc, this is def"),
    ],
)
def test_a_wrong_file_is_refused_and_left_as_it_is(tmp_path, content, commit, words):
    file = tmp_path / "runs"
    if content is None:
        FinishedRuns(file, "abc")
    else:
        file.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(UserError, match=words):
        FinishedRuns(file, commit)
    assert file.read_bytes() == before


def test_changed_sources_are_refused_before_anything_runs(tmp_path):
    with pytest.raises(UserError, match="changed since commit abc"):
        FinishedRuns(tmp_path / "runs", "abc+")
    assert not (tmp_path / "runs").exists()


def test_the_command_says_what_is_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("walkout.evaluation.results.commit", lambda: "abc")
    (tmp_path / "result.json").write_text("{}")
    arguments = ["evaluate", "receipts", "kiosk_one", "--perception", "truth-boxes"]
    assert main([*arguments, "--resume", str(tmp_path / "result.json")]) == 2
    assert "holds no finished runs; name a new file" in capsys.readouterr().err
    assert main([*arguments, "--resume", str(tmp_path / "none" / "runs")]) == 2
    assert "folder does not exist" in capsys.readouterr().err
