import shutil

import cv2
import numpy as np
import pytest
from board_pictures import board_poses, photograph, photograph_board, with_margin
from PIL import Image

from walkout import cli
from walkout.geometry.boards import Board, find_board
from walkout.geometry.markers import marker_picture, read_markers
from walkout.geometry.transforms import transform
from walkout.store.loader import find_store, load_store

MARKERS = """\
size: 0.3
markers:
  - {id: 0, position: [1.2, 0.9, 0.0], floor_yaw_deg: 0}
  - {id: 1, position: [2.0, 1.6, 0.0], floor_yaw_deg: 30}
  - {id: 2, position: [1.0, 1.8, 0.0], floor_yaw_deg: 0}
  - {id: 3, position: [2.2, 0.8, 0.0], floor_yaw_deg: 0}
  - {id: 4, fixture: g1, up: 1.0}
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Return a copy of the kiosk in a folder of its own, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    shutil.copytree(find_store("kiosk"), tmp_path / "shop")
    (tmp_path / "shop/markers.yaml").write_text(MARKERS)
    return tmp_path / "shop"


def photograph_markers(store, camera_id, seed, extra=()):
    markers = read_markers(find_store(store) / "markers.yaml", load_store(store))
    sheets = []
    for marker in [*markers.by_id.values(), *extra]:
        picture, margin = with_margin(marker_picture(markers.dictionary, marker.marker_id, 120), 0.2)
        half = marker.size / 2 + margin * marker.size / 120
        pose = marker.pose @ transform(np.diag([1.0, -1.0, -1.0]), [-half, half, 0])
        sheets.append((picture, pose, marker.size / 120))
    return photograph(load_store(store).camera_by_id[camera_id], sheets, seed)


def test_a_printed_board_has_its_true_size_and_is_found(tmp_path, capsys):
    png = tmp_path / "board.png"
    assert cli.main(["calibrate", "board", "-o", str(png)]) == 0
    page = Image.open(png)
    per_mm = page.info["dpi"][0] / 25.4
    view = find_board(np.asarray(page.convert("L")), Board())
    assert len(view.ids) == 24
    across = np.linalg.norm(view.pixels[5] - view.pixels[0]) / per_mm
    assert across == pytest.approx(5 * 34.0, rel=0.002)
    assert page.width / per_mm < 297
    assert page.height / per_mm < 210
    pdf = tmp_path / "board.pdf"
    assert cli.main(["calibrate", "board", "-o", str(pdf)]) == 0
    box = pdf.read_bytes().split(b"/MediaBox [")[1].split(b"]")[0].split()
    assert float(box[2]) == pytest.approx(page.width / per_mm / 25.4 * 72, rel=0.01)


def test_markers_are_printed_one_a_page(shop, capsys):
    assert cli.main(["calibrate", "markers", "shop", "-o", "m.pdf"]) == 0
    assert (shop.parent / "m.pdf").read_bytes().count(b"/Type /Page\n") == 5 or "5 markers" in capsys.readouterr().out
    assert cli.main(["calibrate", "markers", "shop", "-o", "m.png"]) == 2
    assert "name a .pdf" in capsys.readouterr().err


def test_pictures_of_a_board_give_the_lens_and_write_replaces_it(shop, capsys):
    camera = load_store("shop").camera_by_id["c1"]
    folder = shop.parent / "pictures"
    folder.mkdir()
    for n, pose in enumerate(board_poses(camera, Board(), 8, 9)):
        cv2.imwrite(str(folder / f"{n:02d}.png"), photograph_board(camera, Board(), pose, n))
    before = (shop / "store.yaml").read_text()
    assert cli.main(["calibrate", "intrinsics", "shop", "c1", "pictures"]) == 0
    out = capsys.readouterr().out
    assert "--write puts the values there" in out
    assert "px rms" in out
    assert (shop / "store.yaml").read_text() == before
    assert cli.main(["calibrate", "intrinsics", "shop", "c1", "pictures", "--write"]) == 0
    after = (shop / "store.yaml").read_text()
    fresh = load_store("shop").camera_by_id["c1"]
    assert np.abs(np.diag(fresh.matrix)[:2] / np.diag(camera.matrix)[:2] - 1).max() < 0.01
    assert np.allclose(fresh.position, camera.position)
    # Nothing but the one camera's line has changed.
    changed = [a for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert len(changed) == 1
    assert "c1" in changed[0]
    assert list(shop.parent.glob("calibration_*/c1_corners.png"))


def test_pictures_of_markers_give_the_camera_its_place(shop, capsys):
    truth = load_store("shop").camera_by_id["c1"]
    cv2.imwrite("c1.png", photograph_markers("shop", "c1", 1))
    text = (shop / "store.yaml").read_text()
    moved = [float(truth.position[0]) + 0.2, float(truth.position[1]) + 0.2, float(truth.position[2])]
    line = next(row for row in text.splitlines() if "id: c1" in row)
    start = line.index("position: [")
    wrong = line[:start] + f"position: {moved}" + line[line.index("]", start) + 1 :]
    (shop / "store.yaml").write_text(text.replace(line, wrong))
    assert cli.main(["calibrate", "extrinsics", "shop", "--source", "c1=c1.png", "--cameras", "c1", "--write"]) == 0
    got = load_store("shop").camera_by_id["c1"]
    assert np.linalg.norm(got.position - truth.position) < 0.02
    assert np.degrees(np.arccos((np.trace(got.rotation.T @ truth.rotation) - 1) / 2)) < 0.4
    assert list(shop.parent.glob("calibration_*/c1_place.png"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["intrinsics", "shop", "c9"], "has no camera 'c9'; it has c1"),
        (
            ["intrinsics", "shop", "c1", "grey.png"],
            "no board of 7x5 squares (DICT_5X5_100) is seen in 1 picture",
        ),
        (["intrinsics", "shop", "c1", "small.png"], "is 32x24 but camera c1 has 640x480"),
        (["intrinsics", "shop", "c1", "text.png"], "text.png: is no picture that can be read"),
        (["intrinsics", "shop", "c1", "nowhere"], "does not open"),
        (["intrinsics", "shop", "c1", "empty"], "has no pictures; put .png"),
        (["extrinsics", "shop", "--source", "c1"], "has no '='; write CAMERA=SOURCE"),
        (["extrinsics", "shop", "--source", "c1=grey.png"], "no camera sees a marker of"),
        (["extrinsics", "shop", "--walk-only"], "name a bag with --walk"),
        (["extrinsics", "shop", "--source", "c1=grey.png", "--markers", "nofile.yaml"], "nofile.yaml: cannot be read"),
        (["board", "-o", "board.doc"], "use a name ending in .pdf or .png"),
        (["board", "--square", "34"], "write their side in metres"),
    ],
)
def test_bad_input_is_one_line_with_a_remedy(shop, capsys, arguments, text):
    cv2.imwrite("grey.png", np.full((480, 640, 3), 128, np.uint8))
    cv2.imwrite("small.png", np.full((24, 32, 3), 128, np.uint8))
    (shop.parent / "text.png").write_text("no picture")
    (shop.parent / "empty").mkdir()
    assert cli.main(["calibrate", *arguments]) == 2
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1
