import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from walkout.cli import main
from walkout.errors import UserError
from walkout.evaluation.receipts import run_scenario
from walkout.evaluation.scenario_jobs import in_rounds, make_jobs, run_jobs, scenario_files
from walkout.evaluation.true_perception import Perception
from walkout.simulation.errors import RendererError
from walkout.simulation.scenario import scenario_folder

KIOSK = """\
store: kiosk
suite: {class: one shopper, seeds: [5001, 5003]}
arrivals: [{at_s: 1, script: [leave]}]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b.yaml").write_text(KIOSK)
    (tmp_path / "a.yaml").write_text(KIOSK.replace("suite", "# suite"))
    return tmp_path


def test_a_folder_gives_its_scenarios_sorted_and_each_once(folder):
    files = scenario_files([str(folder), str(folder / "b.yaml"), "kiosk_one"])
    assert [file.name for file in files] == ["a.yaml", "b.yaml", "kiosk_one.yaml"]


def test_files_of_one_name_are_refused(folder):
    shutil.copy(scenario_folder() / "kiosk_one.yaml", folder / "kiosk_one.yaml")
    with pytest.raises(UserError, match="same name"):
        scenario_files([str(folder), "kiosk_one"])


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no scenario"):
        scenario_files([str(tmp_path)])


def test_seeds_are_those_given_or_those_of_the_suite(folder):
    given = make_jobs([folder / "a.yaml"], range(7, 9), Perception.PIXELS)
    assert [(job.path.stem, job.seed) for job in given] == [("a", 7), ("a", 8)]
    own = make_jobs([folder / "b.yaml"], None, Perception.KEYPOINTS)
    assert [(job.seed, job.perception) for job in own] == [(5001, Perception.KEYPOINTS), (5003, Perception.KEYPOINTS)]
    first = make_jobs([folder / "b.yaml"], None, Perception.KEYPOINTS, at_most=1)
    assert first == own[:1]
    assert len(own) > 1
    with pytest.raises(UserError, match="names no seeds"):
        make_jobs([folder / "a.yaml"], None, Perception.PIXELS)


def test_every_scenario_has_its_turn_before_any_has_its_second(folder):
    jobs = make_jobs([folder / "a.yaml", folder / "b.yaml"], [1, 2], Perception.PIXELS)
    assert [(job.path.stem, job.seed) for job in in_rounds(jobs)] == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_what_is_done_counts_when_interrupted(folder, monkeypatch):
    done = run_scenario(folder / "b.yaml", 7, Perception.TRUTH_BOXES)

    def interrupted(_path, seed, *_):
        if seed == 8:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr("walkout.evaluation.scenario_jobs.run_scenario", interrupted)
    assert run_jobs(make_jobs([folder / "b.yaml"], [7, 8, 9], Perception.PIXELS), 1) == [done]
    with pytest.raises(KeyboardInterrupt):
        run_jobs(make_jobs([folder / "b.yaml"], [8, 9], Perception.PIXELS), 1)


@pytest.mark.timeout(90)
def test_no_worker_outlives_a_command_that_is_terminated(folder):
    arguments = ["evaluate", "receipts", str(folder / "b.yaml"), "--seeds", "40", "--jobs", "2"]
    command = subprocess.Popen(
        [sys.executable, "-m", "walkout.cli", *arguments, "--perception", "truth-boxes"], stderr=subprocess.DEVNULL
    )
    process = psutil.Process(command.pid)
    while len(workers := [c for c in process.children(recursive=True) if "spawn_main" in " ".join(c.cmdline())]) < 2:
        time.sleep(0.1)
    command.terminate()
    assert command.wait(30) == 128 + signal.SIGTERM
    gone, alive = psutil.wait_procs(workers, timeout=10)
    assert len(gone) == 2, alive


def test_what_a_machine_lacks_is_said_with_the_scenario(folder, monkeypatch):
    def fail(*_):
        raise RendererError("no EGL; install libegl1")

    monkeypatch.setattr("walkout.evaluation.scenario_jobs.run_scenario", fail)
    jobs = make_jobs([folder / "b.yaml"], [7], Perception.PIXELS)
    with pytest.raises(UserError, match=r"b\.yaml seed 7: no EGL; install libegl1"):
        run_jobs(jobs, 1)


def test_a_scenario_that_never_ends_is_stopped(folder, monkeypatch):
    monkeypatch.setattr("walkout.evaluation.scenario_run.LONGEST_S", 0.5)
    with pytest.raises(UserError, match="still inside"):
        run_scenario(folder / "b.yaml", 7)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no_such_scenario"], "known scenarios"),
        (["kiosk_one", "--json", "/no/such/folder/out.json"], "folder does not exist"),
        (["kiosk_one", "--json", "/tmp"], "is a folder"),
        (["demo"], "for ever"),
    ],
)
def test_wrong_input_is_one_clear_line(arguments, words, capsys):
    assert main(["evaluate", "receipts", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.startswith("error: ")
    assert len(error.splitlines()) == 1
