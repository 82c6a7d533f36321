import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from walkout.cli import main
from walkout.evaluation.recognition import Answer, figures
from walkout.store.label_art import draw_label, make_labels
from walkout.store.loader import load_store


def answer(right: bool, margin: float) -> Answer:
    ranked = ("a", "b", "c", "d", "e", "f")
    return Answer("a" if right else "f", ranked, 0.5, margin, 0.02)


def test_figures_are_those_counted_by_hand() -> None:
    answers = [answer(True, 0.9), answer(True, 0.8), answer(False, 0.3), answer(True, 0.1)]
    found = figures(answers)
    assert (found.photos, found.top1, found.top5) == (4, 0.75, 0.75)
    assert (found.precision_at_50, found.precision_at_70, found.precision_at_90) == (1.0, 2 / 3, 0.75)
    assert found.ms_per_query == pytest.approx(20)


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    products = load_store("corner").products
    drawn = list(zip(products, make_labels(products), strict=True))[::40][:3]
    rows, shots = ["product,category,path"], ["split,product,path"]
    for product, label in drawn:
        picture = np.asarray(draw_label(label).convert("RGB"))[:, :, ::-1]
        cv2.imwrite(str(tmp_path / f"{product.sku}.png"), picture)
        photo = cv2.GaussianBlur(cv2.copyMakeBorder(picture, 60, 40, 50, 70, cv2.BORDER_REFLECT), (0, 0), 1.0)
        cv2.imwrite(str(tmp_path / f"{product.sku}_photo.jpg"), photo)
        rows.append(f"{product.sku},x,{product.sku}.png")
        shots.append(f"val,{product.sku},{product.sku}_photo.jpg")
    (tmp_path / "catalog.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "photos.csv").write_text("\n".join(shots) + "\n")
    return tmp_path / "catalog.csv", tmp_path / "photos.csv"


def run(catalog: Path, photos: Path, *more: str) -> int:
    return main(["evaluate", "recognition", "--catalog", str(catalog), "--photos", str(photos), *more])


def test_the_command_writes_its_figures(tables: tuple[Path, Path], tmp_path: Path) -> None:
    assert run(*tables, "--json", str(tmp_path / "out.json")) == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert {"top1", "top5", "precision_at_50", "precision_at_70", "precision_at_90", "ms_per_query"} <= set(found)
    assert found["top1"] == 1.0
    assert found["ms_per_query"] > 0


@pytest.mark.parametrize(
    ("table", "old", "new", "words"),
    [
        ("catalog.csv", "product,category", "sku,category", "line 1: no column 'product'"),
        ("photos.csv", "split,product,path", "split,product,file", "line 1: no column 'path'"),
        ("photos.csv", "_photo.jpg", "_lost.jpg", "does not exist"),
        ("photos.csv", "val,", "val,unknown-", "is not in the catalogue"),
        ("photos.csv", "_photo.jpg", "_broken.jpg", "is no picture"),
    ],
)
def test_spoilt_input_is_refused_in_one_line(
    tables: tuple[Path, Path], capsys: pytest.CaptureFixture[str], table: str, old: str, new: str, words: str
) -> None:
    file = tables[0].parent / table
    for photo in tables[0].parent.glob("*_photo.jpg"):
        photo.with_name(photo.name.replace("_photo", "_broken")).write_bytes(b"no picture")
    file.write_text(file.read_text().replace(old, new))
    assert run(*tables) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1
    assert words in lines[0]


def test_a_split_that_is_not_there_and_a_missing_table_are_refused(
    tables: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*tables, "--split", "test") == 2
    assert "of the split 'test'" in capsys.readouterr().err
    assert run(tables[0], tables[1].with_name("none.csv")) == 2
    assert "no such file" in capsys.readouterr().err
