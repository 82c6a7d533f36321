"""How well tracks agree with the truth: MOTA, IDF1, HOTA and the error of the place.

MOTA and IDF1 come from ``motmetrics`` (Bernardin and Stiefelhagen 2008; IDF1, Ristani et al. 2016), HOTA
from ``trackeval`` (Luiten et al. 2021). A track and a person can match when they stand at most T metres apart: for
motmetrics the cost is their squared distance, forbidden beyond T^2; for trackeval their similarity is
max(0, 1 - d / 2T), so that its threshold of one half is the distance T.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import motmetrics
import numpy as np
from numpy.typing import NDArray
from trackeval.metrics import HOTA

from walkout.evaluation.tracking_sequence import Places

FloatArray = NDArray[np.float64]

NOBODY = Places.of([])


@dataclass(frozen=True)
class TrackingScore:
    """Figures of one sequence at one threshold: shares of one (mota may be negative), counts and metres.

    ``error_m`` is the mean distance of matched pairs, NaN when nothing matched.
    """

    threshold_m: float
    mota: float
    idf1: float
    hota: float
    error_m: float
    misses: int
    false_positives: int
    switches: int


def score_tracks(
    truth: Mapping[int, Places], tracks: Mapping[int, Places], frames: range, threshold_m: float
) -> TrackingScore:
    """Compare tracks with the truth over ``frames``; a frame that a mapping lacks is empty."""
    accumulator = motmetrics.MOTAccumulator(auto_id=False)
    for frame in frames:
        people, found = truth.get(frame, NOBODY), tracks.get(frame, NOBODY)
        squared = distances(people, found) ** 2
        # motmetrics' own norm2squared_matrix calls a function that numpy 2 has removed; this is what it computes.
        cost = np.where(squared <= threshold_m**2, squared, np.nan)
        accumulator.update(people.ids, found.ids, cost, frameid=frame)
    names = ["mota", "idf1", "num_misses", "num_false_positives", "num_switches"]
    row = motmetrics.metrics.create().compute(accumulator, metrics=names, name="sequence").loc["sequence"]
    events = accumulator.mot_events
    matched = events[events.Type.isin(["MATCH", "SWITCH"])].D.to_numpy(dtype=float)
    return TrackingScore(
        threshold_m=threshold_m,
        mota=float(row.mota),
        idf1=float(row.idf1),
        hota=float(np.mean(HOTA().eval_sequence(trackeval_data(truth, tracks, frames, threshold_m))["HOTA"])),
        error_m=float(np.sqrt(matched).mean()) if len(matched) else float("nan"),
        misses=int(row.num_misses),
        false_positives=int(row.num_false_positives),
        switches=int(row.num_switches),
    )


def distances(people: Places, found: Places) -> FloatArray:
    """Return the distances (n, m) in metres of all pairs."""
    offset = people.positions[:, None] - found.positions[None]
    return np.asarray(np.hypot(offset[..., 0], offset[..., 1]))


def trackeval_data(
    truth: Mapping[int, Places], tracks: Mapping[int, Places], frames: range, threshold_m: float
) -> dict[str, Any]:
    """Return the arrays that trackeval's metric classes take: ids counted from zero, one similarity per pair."""
    people = [truth.get(frame, NOBODY) for frame in frames]
    found = [tracks.get(frame, NOBODY) for frame in frames]
    gt_ids, gt_count = _renumber(people)
    tracker_ids, tracker_count = _renumber(found)
    return {
        "num_timesteps": len(frames),
        "num_gt_ids": gt_count,
        "num_tracker_ids": tracker_count,
        "num_gt_dets": sum(len(ids) for ids in gt_ids),
        "num_tracker_dets": sum(len(ids) for ids in tracker_ids),
        "gt_ids": gt_ids,
        "tracker_ids": tracker_ids,
        "similarity_scores": [
            np.maximum(0.0, 1.0 - distances(a, b) / (2 * threshold_m)) for a, b in zip(people, found, strict=True)
        ],
    }


def _renumber(frames: list[Places]) -> tuple[list[NDArray[np.intp]], int]:
    names = np.unique(np.concatenate([places.ids for places in frames])) if frames else np.zeros(0, dtype=np.int64)
    return [np.searchsorted(names, places.ids) for places in frames], len(names)
