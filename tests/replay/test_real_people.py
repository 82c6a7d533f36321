"""The tracker on real people seen by several cameras.

WALKOUT_REAL_DATA names a folder with the sequences in the plain format of ``walkout evaluate tracking``. The recordings
are public: the Curtin Multi-Camera room (calibration and detections: github.com/linh-gist/3D-Visual-MOT, truth:
github.com/researchwork888/Multi-view-3D-multi-object-tracking-dataset) and WILDTRACK (epfl.ch/labs/cvlab/data).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from walkout.evaluation.tracking_metrics import score_tracks
from walkout.evaluation.tracking_run import run_tracker
from walkout.evaluation.tracking_sequence import load_sequence

FLOORS = {"cmc1": (0.97, 0.98), "wildtrack_a_degraded": (0.75, 0.77)}
"""Least MOTA and IDF1 at 1 m: a little below what is reached, so that only a real loss fails."""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", FLOORS)
def test_real_people_are_followed(name: str) -> None:
    folder = os.environ.get("WALKOUT_REAL_DATA")
    if not folder:
        pytest.skip("WALKOUT_REAL_DATA is not set; public data: github.com/linh-gist/3D-Visual-MOT, WILDTRACK of EPFL")
    places = [Path(folder) / name, Path(folder) / "tracking" / name]
    place = next((p for p in places if p.is_dir()), None)
    assert place is not None, f"WALKOUT_REAL_DATA is set, but there is no {name} in {folder}"
    sequence = load_sequence(place)
    assert sequence.truth is not None
    score = score_tracks(sequence.truth, run_tracker(sequence).tracks, sequence.frames, 1.0)
    mota, idf1 = FLOORS[name]
    assert score.mota >= mota
    assert score.idf1 >= idf1
