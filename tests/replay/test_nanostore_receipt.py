"""The whole way from a real store's grams and joints to its receipt, with the parameters of the running store.

The data is public: github.com/QuandoSJ/AUTOCHECKOUT-TEAM6, commit 1700777, testcases/BENCHMARK-1 (MIT), a trace of the
AiFi NanoStore for the CPS-IoT Week 2020 AutoCheckout competition. WALKOUT_REAL_DATA names the folder that holds it.
"""

import os
from pathlib import Path

import pytest

from walkout.evaluation.nanostore_files import read_recording
from walkout.evaluation.nanostore_replay import replay


def recording_folder() -> Path:
    folder = os.environ.get("WALKOUT_REAL_DATA")
    if not folder:
        pytest.skip("WALKOUT_REAL_DATA is not set; data: github.com/QuandoSJ/AUTOCHECKOUT-TEAM6 testcases/BENCHMARK-1")
    places = [Path(folder), Path(folder) / "nanostore_benchmark_1"]
    found = next((place for place in places if (place / "planogram.json").is_file()), None)
    assert found is not None, f"WALKOUT_REAL_DATA is set, but there is no planogram.json in {folder}"
    return found


def test_the_receipt_is_the_one_that_the_competition_judged_right() -> None:
    result = replay(read_recording(recording_folder()))
    (receipt,) = result.receipts
    assert receipt.shopper == "3325379692103139202"
    assert [(line.sku, line.quantity) for line in receipt.lines] == [("071142008582", 1)]
    assert receipt.lines[0].probability > 0.95
    assert not receipt.doubts
    assert len(result.events) == 1
