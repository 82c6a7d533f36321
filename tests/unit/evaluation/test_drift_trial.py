"""The evaluation of the alarm for bumped cameras."""

import json

import numpy as np
import pytest

from walkout.cli import main
from walkout.errors import UserError
from walkout.evaluation.drift_trial import AXES, Bump, DriftTrial
from walkout.evaluation.made_crowd import MadeCrowd
from walkout.geometry.camera import project
from walkout.geometry.drift import DriftParameters
from walkout.store.loader import load_store


def test_a_bump_turns_one_camera_alone_by_its_angle():
    store = load_store("kiosk")
    told = Bump("c2", 3.0, "pitch").cameras(store)
    for before, after in zip(store.cameras, told, strict=True):
        turn = before.rotation.T @ after.rotation
        angle = np.degrees(np.arccos((np.trace(turn) - 1) / 2))
        assert angle == pytest.approx(3.0 if before.camera_id == "c2" else 0.0, abs=1e-5)
    assert all(a is b for a, b in zip(Bump().cameras(store), store.cameras, strict=True))


@pytest.mark.parametrize(("axis", "moved"), [("yaw", 0), ("pitch", 1)])
def test_yaw_moves_the_picture_sideways_and_pitch_up_and_down(axis, moved):
    store = load_store("kiosk")
    camera = store.camera_by_id["c1"]
    (ahead,) = (camera.position + 3.0 * camera.rotation[:, 2],)
    (turned,) = (c for c in Bump("c1", 2.0, axis).cameras(store) if c.camera_id == "c1")
    step = np.abs(project(turned, ahead[None])[0][0] - project(camera, ahead[None])[0][0])
    assert step[moved] > 5
    assert step[1 - moved] < 1
    assert axis in AXES


def test_a_camera_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UserError, match=r"no such camera; it has c1, c2, c3"):
        Bump("c9", 1.0).cameras(load_store("kiosk"))


class Room:
    """As much of a store as a trial asks for."""

    name, zones, fixtures = "room", (), ()

    def __init__(self, cameras):
        self.cameras = cameras
        self.camera_by_id = {camera.camera_id: camera for camera in cameras}


def test_trials_of_the_same_detections_differ_by_the_bump_alone():
    crowd = MadeCrowd(2, 4, 7)
    parameters = DriftParameters(window_s=5.0, hold_s=2.0)
    quiet, bumped = (DriftTrial(bump, Room(crowd.cameras), parameters) for bump in (Bump(), Bump("c2", 4.0)))
    for detections in crowd.frames(14.0):
        quiet.add(detections)
        bumped.add(detections)
    assert quiet.alarms == {}
    assert set(bumped.alarms) == {"c2"}
    told = bumped.to_json(1_000_000_000)
    assert told["bump"] == "c2 4 degrees yaw"
    assert 0 < told["alarms_s"]["c2"] < 14
    assert told["residual_percent"] > told["others_percent"]
    assert quiet.to_json(0)["residual_percent"] is None
    assert quiet.to_json(0)["others_percent"] < 1.0


@pytest.mark.parametrize("wrong", ["c1", "c1:", "c1:x", ":2", "c1:0", "c1:200", "c1:2:up"])
def test_a_bump_that_is_none_is_refused(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "drift", "kiosk_one", "--bump", wrong])
    assert ended.value.code == 2
    assert "such as c3:2:yaw" in capsys.readouterr().err


def test_the_command_shows_and_writes_all_trials(tmp_path, capsys):
    out = tmp_path / "drift.json"
    arguments = ["evaluate", "drift", "kiosk_one", "--seconds", "2", "--bump", "c2:5:pitch", "--json", str(out)]
    assert main(arguments) == 0
    assert [row["bump"] for row in json.loads(out.read_text())["trials"]] == ["as calibrated", "c2 5 degrees pitch"]
    assert "c2 5 degrees pitch" in capsys.readouterr().out
