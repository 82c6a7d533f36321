"""``walkout evaluate tracking``: reading sequences, what it says of bad ones, and what it writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from walkout.cli import main
from walkout.evaluation.tracking_run import Surrounded, _places
from walkout.evaluation.tracking_sequence import camera_from_projection, load_sequence
from walkout.geometry.camera import intrinsics_from_fov, project
from walkout.geometry.transforms import look_at
from walkout.perception.types import KEYPOINT_COUNT
from walkout.store.model import Camera
from walkout.tracking.types import Shoppers, ShopperState, TrackState

JOINTS, SDS = np.full((KEYPOINT_COUNT, 3), np.nan), np.full(KEYPOINT_COUNT, np.inf)
CORNERS = [(0.1, 0.1), (5.9, 0.1), (0.1, 4.9), (5.9, 4.9)]


def cameras() -> list[Camera]:
    matrix = intrinsics_from_fov(640, 480, np.radians(90))
    places = [np.array([x, y, 2.8]) for x, y in CORNERS]
    return [
        Camera(f"c{k}", 640, 480, matrix, np.zeros(5), place, look_at(place, [3.0, 2.5, 0.8]), "")
        for k, place in enumerate(places)
    ]


def box(camera: Camera, x: float, y: float) -> list[float]:
    """The box of a cylinder 1.7 m high."""
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.array([[x + 0.2 * np.cos(a), y + 0.2 * np.sin(a), z] for a in angle for z in (0.0, 1.7)])
    pixels, _ = project(camera, ring)
    return [*pixels.min(axis=0).tolist(), *pixels.max(axis=0).tolist()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two walkers, 20 frames at 4 frames a second."""
    path = tmp_path / "room"
    path.mkdir()
    described = [
        {"name": c.camera_id, "width": 640, "height": 480, "projection": (-3.0 * c.projection).tolist()}
        for c in cameras()
    ]
    (path / "sequence.yaml").write_text(yaml.safe_dump({"name": "room", "fps": 4.0, "cameras": described}))
    found, truth = ["frame,camera,x1,y1,x2,y2,score"], ["frame,id,x,y"]
    for frame in range(20):
        for identity, (x, y) in {1: (1.5 + 0.1 * frame, 2.0), 2: (4.5 - 0.1 * frame, 3.5)}.items():
            truth.append(f"{frame},{identity},{x:.3f},{y:.3f}")
            for camera in cameras():
                found.append(f"{frame},{camera.camera_id}," + ",".join(f"{v:.1f}" for v in box(camera, x, y)) + ",0.9")
    (path / "detections.csv").write_text("\n".join(found) + "\n")
    (path / "truth.csv").write_text("\n".join(truth) + "\n")
    return path


@pytest.mark.parametrize("scale", [1.0, -3.0, 0.2])
def test_a_projection_gives_the_camera_back(scale: float) -> None:
    original = cameras()[2]
    camera = camera_from_projection("c", 640, 480, scale * original.projection)
    np.testing.assert_allclose(camera.matrix, original.matrix, atol=1e-6)
    np.testing.assert_allclose(camera.rotation, original.rotation, atol=1e-9)
    np.testing.assert_allclose(camera.position, original.position, atol=1e-9)
    np.testing.assert_allclose(camera.projection, original.projection, atol=1e-6)


def test_everything_is_written(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores, tracks, film = tmp_path / "scores.json", tmp_path / "tracks", tmp_path / "film.mp4"
    options = ["--json", str(scores), "--tracks", str(tracks), "--video", str(film), "--baselines"]
    assert main(["evaluate", "tracking", str(folder), *options]) == 0
    document = json.loads(scores.read_text())
    assert [(e["name"], e["threshold_m"]) for e in document["sequences"]] == [("room", 1.0), ("room", 0.5)]
    for entry in document["sequences"]:
        assert entry["mota"] >= 0.9
        assert entry["idf1"] >= 0.9
        assert 0 < entry["hota"] <= 1
        assert 0 <= entry["error_m"] < 0.15
        assert entry["ms_per_frame"] > 0
    assert {e["tracker"] for e in document["baselines"]} == {"norfair", "SORT"}
    assert all(e["mota"] > 0.5 for e in document["baselines"])
    with (tracks / "room.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["frame", "id", "x", "y"]
    last = {r["id"]: (float(r["x"]), float(r["y"])) for r in rows if r["frame"] == "19"}
    assert sorted(last.values()) == [pytest.approx((2.6, 3.5), abs=0.2), pytest.approx((3.4, 2.0), abs=0.2)]
    reader = cv2.VideoCapture(str(film))
    assert reader.get(cv2.CAP_PROP_FRAME_COUNT) == 20
    assert "MOTA" in capsys.readouterr().out


def test_without_truth_there_are_tracks_and_no_scores(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "truth.csv").unlink()
    scores = tmp_path / "scores.json"
    assert main(["evaluate", "tracking", str(folder), "--json", str(scores), "--tracks", str(tmp_path)]) == 0
    assert [e["mota"] for e in json.loads(scores.read_text())["sequences"]] == [None, None]
    assert len((tmp_path / "room.csv").read_text().splitlines()) > 30
    assert "nothing to score" in capsys.readouterr().out


def change_yaml(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        document = yaml.safe_load((folder / "sequence.yaml").read_text())
        change(document)
        (folder / "sequence.yaml").write_text(yaml.safe_dump(document))

    return apply


def replace(file: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    return apply


BAD = {
    "no description": (lambda f: (f / "sequence.yaml").unlink(), "not a sequence: there is no sequence.yaml"),
    "broken yaml": (lambda f: (f / "sequence.yaml").write_text("fps: [4"), "sequence.yaml: not readable as YAML"),
    "no rate": (change_yaml(lambda d: d.pop("fps")), "sequence.yaml: fps is missing; give a positive number"),
    "zero rate": (change_yaml(lambda d: d.update(fps=0)), "sequence.yaml: fps is 0; give a positive number"),
    "no cameras": (change_yaml(lambda d: d.update(cameras=[])), "cameras is missing or empty"),
    "no matrix": (change_yaml(lambda d: d["cameras"][1].pop("projection")), "camera c1 has no projection; add"),
    "small matrix": (
        change_yaml(lambda d: d["cameras"][1].update(projection=[[1, 2], [3, 4]])),
        "camera c1: projection needs 3 rows of 4 finite numbers",
    ),
    "singular matrix": (
        change_yaml(lambda d: d["cameras"][0].update(projection=[[0, 0, 0, 1]] * 3)),
        "camera c0: projection is singular",
    ),
    "twice": (change_yaml(lambda d: d["cameras"][1].update(name="c0")), "c0 is listed twice"),
    "zone": (change_yaml(lambda d: d.update(entry_zone={"x": 1, "y": 2})), "sequence.yaml: radius is missing"),
    "no column": (replace("detections.csv", "score", "value"), "detections.csv: column score is missing"),
    "unknown camera": (
        replace("detections.csv", "0,c1,", "0,c9,"),
        "detections.csv: line 3: camera 'c9' is not in sequence.yaml; add it",
    ),
    "not a number": (replace("detections.csv", "0,c0,", "0,c0,nan,"), "detections.csv: line 2: x1 is 'nan'; give"),
    "half a frame": (replace("detections.csv", "\n0,c0,", "\n0.5,c0,"), "line 2: frame is '0.5'; give a whole number"),
    "no detections file": (lambda f: (f / "detections.csv").unlink(), "detections.csv: missing; a sequence needs it"),
    "empty truth": (lambda f: (f / "truth.csv").write_text("frame,id,x,y\n"), "truth.csv: there is nobody in it"),
    "truth column": (replace("truth.csv", "frame,id", "frame,name"), "truth.csv: column id is missing"),
    "truth twice": (replace("truth.csv", "0,2,", "0,1,"), "truth.csv: line 3: id 1 stands twice in frame 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_clear_line(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil, message = BAD[name]
    spoil(folder)
    assert main(["evaluate", "tracking", str(folder)]) != 0
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert message in said[0]


def test_a_sequence_is_stamped_by_its_frame_rate(folder: Path) -> None:
    sequence = load_sequence(folder)
    assert sequence.frames == range(20)
    assert [d.stamp_ns for d in sequence.detections(3)] == [750_000_000] * 4
    assert [len(d) for d in sequence.detections(3)] == [2] * 4


@pytest.mark.parametrize(
    ("where", "x", "sd", "told"),
    [
        ("between the cameras", 3.0, 0.3, True),
        ("between the cameras", 3.0, 0.4, False),
        ("just beyond the line between two", 6.4, 0.2, True),
        ("just beyond the line between two", 6.4, 0.3, False),
        ("far beyond it", 7.1, 0.05, False),
    ],
)
def test_a_place_is_reported_when_it_is_certain_enough_for_where_it_is(
    where: str, x: float, sd: float, told: bool
) -> None:
    mean, covariance = np.array([x, 2.0, 0, 0, 1.7]), np.eye(5) * sd**2 / 2
    somebody = ShopperState(4, TrackState.CONFIRMED, 0.9, mean, covariance, JOINTS, SDS, 0.0)
    reported = _places(Shoppers(0, (somebody,)), Surrounded(cameras()))
    assert reported.ids.tolist() == [4] * told, where
