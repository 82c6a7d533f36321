import json
from pathlib import Path

import numpy as np
import pytest
from nanostore_maker import Recording, shop

from walkout.cli import main
from walkout.evaluation.nanostore_files import NanoStoreError, read_recording
from walkout.evaluation.nanostore_replay import NanoResult, replay
from walkout.evaluation.nanostore_store import build_store

A, B, C = "3325379692103139202", "17", "18"


def receipts(recording: Recording, folder: Path) -> dict[str, list[tuple[str, int]]]:
    result = replay(read_recording(recording.write(folder)))
    return {r.shopper: [(line.sku, line.quantity) for line in r.lines] for r in result.receipts}


@pytest.mark.parametrize("yaw", [0.0, -np.pi / 2, 2.5])
def test_two_shoppers_pay_for_what_they_took_wherever_the_gondola_stands(tmp_path: Path, yaw: float) -> None:
    recording = shop(yaw=yaw)
    recording.people = {A: (0, 28), B: (2, 30), C: (0, 30)}
    recording.move(A, 6.0, 1, 2, -510.4)
    recording.move(B, 12.0, 1, 3, -329.0)
    recording.move(B, 22.0, 1, 4, -330.8)
    assert receipts(recording, tmp_path / "r") == {A: [("0001", 1)], C: [], B: [("0002", 2)]}


def test_what_is_put_back_is_not_paid_for(tmp_path: Path) -> None:
    recording = shop()
    recording.people = {A: (0, 30)}
    recording.move(A, 6.0, 1, 2, -510.4)
    recording.move(A, 12.0, 1, 3, -329.0)
    recording.move(A, 18.0, 1, 1, 510.0)
    assert receipts(recording, tmp_path / "r") == {A: [("0002", 1)]}


def test_who_is_not_seen_for_a_moment_is_still_the_one_at_the_shelf(tmp_path: Path) -> None:
    recording = shop()
    recording.people = {A: (0, 30), B: (16, 30), C: (0, 30)}
    recording.move(A, 12.0, 1, 2, -510.4)
    recording.move(B, 22.0, 1, 3, -330.0)
    recording.hidden = {A: (11.0, 14.0)}
    assert receipts(recording, tmp_path / "r") == {A: [("0001", 1)], B: [("0002", 1)], C: []}


def test_a_product_of_unknown_weight_is_known_by_its_place(tmp_path: Path) -> None:
    recording = shop()
    recording.people = {A: (0, 30)}
    recording.move(A, 12.0, 2, 2, -187.0)
    assert receipts(recording, tmp_path / "r") == {A: [("0003", 1)]}


def test_plates_lie_where_the_planogram_says_and_repeated_channels_are_left_out(tmp_path: Path) -> None:
    nano = build_store(read_recording(shop(yaw=-np.pi / 2).write(tmp_path / "r")))
    (fixture,) = nano.store.fixtures
    assert len(fixture.lanes) == 12
    site = nano.store.lane_sites["7/2/2"]
    # Second plate: 1.5 pitches along -y from the corner (1, 2), 0.2 m into the shelf along +x, 1.2 m up.
    assert site.position == pytest.approx([1.2, 2 - 1.5 * 0.1016, 1.2], abs=1e-6)
    assert site.transform[:3, 0] == pytest.approx([-1, 0, 0], abs=1e-9)
    assert nano.store.product_by_sku["0001"].weight_g == 510.0
    assert nano.store.product_by_sku["0002"].weight_sd_g == 2.0
    assert "7/2/5" not in nano.store.facing_by_lane


def test_the_command_writes_receipts(tmp_path: Path) -> None:
    recording = shop(seconds=20.0)
    recording.people = {A: (0, 20)}
    recording.move(A, 8.0, 1, 2, -510.4)
    folder = recording.write(tmp_path / "r")
    assert main(["evaluate", "nanostore", str(folder), "--json", str(tmp_path / "o.json")]) == 0
    document = json.loads((tmp_path / "o.json").read_text())
    (receipt,) = document["receipts"]
    assert receipt["shopper"] == A
    (line,) = receipt["lines"]
    assert (line["sku"], line["quantity"]) == ("0001", 1)
    assert line["probability"] > 0.9
    assert document["events"][0]["plates"] == ["7/1/2"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("planogram.json", None, "has no planogram.json"),
        ("planogram.json", "", "planogram.json: holds nothing"),
        ("products.json", "{", "line 1: not JSON"),
        ("products.json", '{"name": 1}', "line 1: no field 'product_id'"),
        ("full_targets.json", '{"document": {"header": {"t_origin": "noon"}}}', "t_origin is 'noon'"),
        ("plate_data.json", '{"document": {"plate_data": {"values": {"shape": [1, 2]}}}}', "values.shape is"),
        ("plate_data.json", "[1]", "entry 1: is no object"),
    ],
)
def test_spoilt_folders_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str | None, words: str
) -> None:
    folder = shop(seconds=1.0).write(tmp_path / "r")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    assert main(["evaluate", "nanostore", str(folder)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_files_of_different_stores_are_refused(tmp_path: Path) -> None:
    folder = shop(seconds=1.0).write(tmp_path / "r")
    text = (folder / "planogram.json").read_text().replace('"id": 7', '"id": 8')
    (folder / "planogram.json").write_text(text)
    with pytest.raises(NanoStoreError, match="none is in both"):
        build_store(read_recording(folder))


def test_ids_times_and_numbers_are_read_however_they_are_wrapped(tmp_path: Path) -> None:
    recording = shop(seconds=20.0)
    recording.people = {A: (0, 20)}
    recording.move(A, 8.0, 1, 2, -510.4)
    folder = recording.write(tmp_path / "r")
    for name, old, new in (
        ("plate_data.json", '"id": 7', '"id": "7"'),
        ("full_targets.json", f'"id": "{A}"', f'"id": {{"$numberLong": "{A}"}}'),
        ("products.json", '"weight": 510.0', '"weight": {"$numberDouble": "510.0"}'),
    ):
        (folder / name).write_text((folder / name).read_text().replace(old, new))
    lines = (folder / "planogram.json").read_text().splitlines()
    (folder / "planogram.json").write_text("[" + ",".join(lines) + "]")
    result: NanoResult = replay(read_recording(folder))
    assert [(r.shopper, [line.sku for line in r.lines]) for r in result.receipts] == [(A, ["0001"])]
