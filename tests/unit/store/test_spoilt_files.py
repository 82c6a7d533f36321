"""Whatever stands in the files: the loader says what is wrong or loads a store, it never stumbles."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from walkout.store.loader import StoreError, find_store, load_store
from walkout.store.model import Store

NAMES = ("store.yaml", "catalog.yaml", "planogram.yaml")
TEXTS = {name: (find_store("kiosk") / name).read_text() for name in NAMES}
VALUE = re.compile(r"(?<=[:\[,] )[^\s,\[\]{}#]+|(?<=\[)[^\s,\[\]{}#]+|\b[a-z_]+(?=:)|^  +- ", re.MULTILINE)
PLACES = [(name, match.span()) for name in NAMES for match in VALUE.finditer(TEXTS[name]) if match.start() > 400]
ODDITIES = [
    *("", "~", "[]", "{}", "-1", "0", "1e9", "-1e-9", ".inf", ".nan", "'x'", "[1]", "[1, 2, 3]", "{a: 1}", "*none"),
    *(
        "!!python/object:os.system x",
        "!!binary x",
        "2024-01-01",
        "1:30",
        "0x10",
        "true",
        "é",
        "g1",
        "a: b",
        "- ",
        "? x",
    ),
    *("&a b", "<<: {x: 1}", "<<", "x" * 200, "1_000", "'", "\t"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("spoilt") / "shop"
    shutil.copytree(find_store("kiosk"), folder)
    return folder


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), oddity=st.one_of(st.sampled_from(ODDITIES), st.text(max_size=6)))
def test_a_spoilt_value_gives_a_store_or_plain_lines(folder, place, oddity):
    name, (start, end) = place
    for other in NAMES:
        (folder / other).write_text(TEXTS[other], encoding="utf-8")
    text = TEXTS[name]
    (folder / name).write_text(text[:start] + oddity + text[end:], encoding="utf-8", errors="surrogatepass")
    problems = _problems(folder)
    for problem in problems:
        assert problem.message
        assert problem.remedy
        assert "\n" not in str(problem)


def _problems(folder):
    try:
        assert isinstance(load_store(folder), Store)
    except StoreError as error:
        return error.problems or pytest.fail("a StoreError without a problem")
    return ()
