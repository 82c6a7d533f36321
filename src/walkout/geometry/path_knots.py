"""Paths of points in time as straight pieces between knots at even times: what lets cameras take turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


class Knots:
    """Where in the array of all knots each of n sightings lies, and which knots follow each other.

    A sighting lies between knots ``first`` (n,) and ``first + 1``, ``share`` (n,) of the way. ``triples`` (t, 3) are
    knots that follow each other, ``pairs`` (p, 2) those of paths too short for a triple, ``floor`` (f,) the knots of
    floor paths. Paths are cut where nobody saw them for ``gap_s``.
    """

    def __init__(
        self, path: IntArray, stamp_s: FloatArray, floor_paths: frozenset[int], knot_s: float, gap_s: float
    ) -> None:
        self.first = np.zeros(len(path), dtype=np.intp)
        self.share = np.zeros(len(path))
        order = np.lexsort((stamp_s, path))
        breaks = np.flatnonzero((np.diff(path[order]) != 0) | (np.diff(stamp_s[order]) > gap_s)) + 1
        runs: list[IntArray] = []
        floor: list[IntArray] = []
        self.count = 0
        for part in np.split(order, breaks):
            if not len(part):
                continue
            place = (stamp_s[part] - stamp_s[part[0]]) / knot_s
            knots = int(place[-1]) + 2
            low = np.minimum(place.astype(np.intp), knots - 2)
            self.first[part] = self.count + low
            self.share[part] = place - low
            runs.append(np.arange(self.count, self.count + knots))
            if int(path[part[0]]) in floor_paths:
                floor.append(runs[-1])
            self.count += knots
        none = np.zeros((0, 3), dtype=np.intp)
        self.triples = np.concatenate([none, *(np.column_stack([r[:-2], r[1:-1], r[2:]]) for r in runs if len(r) > 2)])
        self.pairs = np.concatenate([none[:, :2], *(r[None] for r in runs if len(r) == 2)])
        self.floor = np.concatenate([none[:, 0], *floor])

    @property
    def nearest(self) -> IntArray:
        """The knot that is nearest in time to each sighting."""
        return self.first + (self.share > 0.5)

    def points(self, knots: FloatArray) -> FloatArray:
        """Return where the paths with these knots (k, 3) are at the sightings: (n, 3)."""
        share = self.share[:, None]
        return np.asarray((1 - share) * knots[self.first] + share * knots[np.minimum(self.first + 1, self.count - 1)])
