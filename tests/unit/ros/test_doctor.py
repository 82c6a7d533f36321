"""walkout doctor: every finding says what is so and what to do, and the exit code says whether anything is wrong."""

from __future__ import annotations

import hashlib
import json
import sys
import types

import pytest
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from walkout.cli import main
from walkout.ros import doctor, doctor_checks
from walkout.ros.doctor_graph import GraphView, Report, graph
from walkout.ros.manager_node import CORE_NODES
from walkout.ros.supervision import Level
from walkout.store.loader import load_store


@pytest.fixture(scope="module")
def store():
    return load_store("kiosk")


def healthy(store) -> GraphView:
    """A store in which all is well."""
    cameras = [f"camera_driver_{camera.camera_id}" for camera in store.cameras]
    shelves = [f"shelf_driver_{fixture.fixture_id}" for fixture in store.fixtures if fixture.shelves]
    names = {"store", "lifecycle_manager", *CORE_NODES, *cameras, *shelves}
    rates = {f"camera_driver_{camera.camera_id}": camera.rate_hz for camera in store.cameras}
    return GraphView(
        nodes=names,
        reports={
            name: Report(Level.OK, "ok", {"rate_hz": str(rates.get(name, 5.0)), "latency_p50_ms": "20"}, 0.0)
            for name in names
        },
        health=DiagnosticStatus(message="ready", values=[KeyValue(key="admitting", value="true")]),
        clock_publishers=["simulator"],
    )


def found(view, store, level):
    return [finding for finding in graph(view, store) if finding.level is level]


def test_a_healthy_store_has_no_complaint(store):
    assert found(healthy(store), store, Level.WARN) + found(healthy(store), store, Level.ERROR) == []


def test_no_store_at_all_is_a_warning_that_says_how_to_start_one(store):
    (finding,) = graph(GraphView(nodes={"talker"}), None)
    assert finding.level is Level.WARN
    assert "ros2 launch walkout store.launch.py" in finding.remedy


def spoil_nodes(view, store):
    view.nodes.discard("tracker")
    return "missing: tracker"


def spoil_camera(view, store):
    view.reports["camera_driver_c1"] = Report(Level.OK, "ok", {"rate_hz": "1.5"}, 0.0)
    return "c1 gives 1.5 Hz instead of"


def spoil_qos(view, store):
    view.mismatches.append("/carts: listener cannot hear cart_manager (Best effort publisher)")
    return "listener cannot hear cart_manager"


def spoil_clock(view, store):
    view.clock_publishers.append("rosbag2_player")
    return "/clock has 2 publishers: simulator, rosbag2_player"


def spoil_node_clock(view, store):
    view.reports["tracker"] = Report(Level.OK, "ok", {}, -7.5)
    return "the clock of tracker is -7.5 s off ours"


def spoil_device_clock(view, store):
    view.reports["camera_driver_c1"].values["latency_p50_ms"] = "-900"
    return "stamps that lie 900 ms ahead"


def spoil_health(view, store):
    view.health = DiagnosticStatus(message="gate is inactive", values=[KeyValue(key="admitting", value="false")])
    return "nobody is admitted: the store is not ready: gate is inactive"


def spoil_driver(view, store):
    view.reports["shelf_driver_g1"] = Report(Level.ERROR, "no such device", {}, 0.0)
    return "shelf_driver_g1: no such device"


SPOILERS = [
    spoil_nodes, spoil_camera, spoil_qos, spoil_clock, spoil_node_clock, spoil_device_clock, spoil_health, spoil_driver,
]  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILERS)
def test_what_is_wrong_in_the_graph_is_an_error_with_a_remedy(store, spoil):
    view = healthy(store)
    expected = spoil(view, store)
    errors = found(view, store, Level.ERROR)
    assert any(expected in error.text for error in errors), errors
    assert all(error.remedy for error in errors)


def test_a_lost_camera_and_frames_dropped_are_warnings(store):
    view = healthy(store)
    view.nodes.discard("camera_driver_c1")
    view.reports["detector"] = Report(Level.OK, "ok", {"dropped": "50", "handled": "50"}, 0.0)
    texts = [finding.text for finding in found(view, store, Level.WARN)]
    assert texts == ["missing: camera_driver_c1", "detector has dropped 50 of 100"]
    assert found(view, store, Level.ERROR) == []


def test_what_a_node_warns_of_is_a_warning(store):
    view = healthy(store)
    view.reports["tracker"] = Report(
        Level.WARN, "slow; camera c2 has moved", {"warning_calibration": "camera c2 has moved"}, 0.0
    )
    assert [finding.text for finding in found(view, store, Level.WARN)] == ["tracker: camera c2 has moved"]
    assert found(view, store, Level.ERROR) == []


def test_a_model_that_is_not_its_cards_is_an_error(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"network")
    assert [f.level for f in doctor_checks.models(tmp_path)] == [Level.WARN]
    card = tmp_path / "m.md"
    card.write_text(f"| SHA-256 | `{hashlib.sha256(b'network').hexdigest()}` |", encoding="utf-8")
    assert [f.level for f in doctor_checks.models(tmp_path)] == [Level.OK]
    (tmp_path / "m.onnx").write_bytes(b"another")
    (finding,) = doctor_checks.models(tmp_path)
    assert (finding.level, "SHA-256 differs" in finding.text) == (Level.ERROR, True)
    assert [f.level for f in doctor_checks.models(tmp_path / "none")] == [Level.ERROR]


@pytest.mark.parametrize(
    ("environment", "level"),
    [
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, Level.OK),
        ({}, Level.WARN),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, Level.ERROR),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "EVERYWHERE"}, Level.ERROR),
        ({"ROS_LOCALHOST_ONLY": "1"}, Level.OK),
    ],
)
def test_discovery(environment, level):
    assert [f.level for f in doctor_checks.discovery(environment)] == [level]


def test_transport_profile(tmp_path):
    profile = tmp_path / "profile.xml"
    environment = {doctor_checks.PROFILES: str(profile)}
    assert [f.level for f in doctor_checks.profile({})] == [Level.WARN]
    assert [f.level for f in doctor_checks.profile(environment)] == [Level.ERROR]
    profile.write_text("<segment_size>524288</segment_size>", encoding="utf-8")
    assert [f.level for f in doctor_checks.profile(environment)] == [Level.WARN]
    profile.write_text("<segment_size>67108864</segment_size>", encoding="utf-8")
    assert [f.level for f in doctor_checks.profile(environment)] == [Level.OK]


def test_stand_ins_are_named_and_missing_modules_are_an_error(monkeypatch):
    played = types.ModuleType("played")
    played.__standin__ = True
    monkeypatch.setitem(sys.modules, "played", played)
    texts = {f.level: f.text for f in doctor_checks.stand_ins(["played", "json", "no_such_module"])}
    assert texts[Level.ERROR] == "not importable: no_such_module"
    assert texts[Level.OK].endswith(": played")


def test_disk_is_asked_once_and_folders_need_not_exist(tmp_path):
    findings = list(doctor_checks.disk([tmp_path / "a" / "b", tmp_path]))
    assert len([f for f in findings if "free at" in f.text]) == 1


def test_json_and_exit_code(monkeypatch, capsys):
    wrong = doctor_checks.Finding("disk", Level.ERROR, "full", "make room")
    monkeypatch.setattr(doctor, "examine_machine", lambda: [wrong])
    assert main(["doctor", "--offline", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert told == {"check": "disk", "level": "ERROR", "text": "full", "remedy": "make room"}
    monkeypatch.setattr(doctor, "examine_machine", lambda: [doctor_checks.Finding("disk", Level.WARN, "low", "see")])
    assert main(["doctor", "--offline"]) == 0
    assert "→ see" in capsys.readouterr().out
    assert main(["doctor", "--listen", "0"]) == 2
