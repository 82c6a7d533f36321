"""New shoppers: unexplained detections of several cameras that agree on one place.

Every unexplained detection alone says where its shopper might stand: a Gaussian over x, y and height, long along
the ray. Detections of different cameras whose Gaussians agree seed a birth; it grows by one detection per further
camera, is refined on all of them, and the seed that convinces most cameras wins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.tracking.filter import BIRTH_ITERATIONS, BODY, pair_cost, update
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.recall import Recall
from walkout.tracking.view import ROWS, Observations, View
from walkout.tracking.visibility import Occluders, Visibility

FloatArray = NDArray[np.float64]

_PRIOR_SPREAD_M = 3.0
_AGREEMENT_GATE = 11.8  # chi-square, 2 degrees of freedom, 3 sigma
HIT_RATIO = 3.0
"""How much likelier a fitting detection is when the shopper exists than when he does not."""
_MIN_EXISTENCE = 0.3
_MAX_SEEDS = 12
_UPRIGHT = np.zeros(1)


@dataclass(frozen=True)
class Birth:
    """A new shopper: state (5,), (5, 5), existence probability and detections (camera id, index in the frame)."""

    mean: FloatArray
    covariance: FloatArray
    existence: float
    detections: tuple[tuple[str, int], ...]


@dataclass
class Lone:
    """What one unexplained detection says alone: x, y, height with covariance."""

    camera_id: str
    index: int
    mean: FloatArray
    covariance: FloatArray


def birth_prior(parameters: TrackerParameters) -> FloatArray:
    """Return the covariance (5, 5) of a shopper of whom nothing is known but roughly the place."""
    p = parameters
    spread = np.array([_PRIOR_SPREAD_M, _PRIOR_SPREAD_M, p.max_speed / 3, p.max_speed / 3, p.height_sd])
    return np.diag(spread**2)


def lone_states(view: View, observations: Observations, parameters: TrackerParameters) -> list[Lone]:
    """Fit an upright shopper of average height to every detection alone; those that fit nobody are left out."""
    p, count = parameters, len(observations)
    if not count:
        return []
    centre = (observations.rows[:, 0] + observations.rows[:, 2]) / 2
    foot_known = np.isfinite(observations.variance[:, 3])
    pixels = np.column_stack([centre, np.where(foot_known, observations.rows[:, 3], observations.boxes[:, 1])])
    level = np.where(foot_known, 0.0, p.height_mean)
    ground = _meet_plane(view, pixels, level)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(ground).all(axis=1))
    ground[~known] = 0.0
    mean = np.column_stack([ground, np.zeros((count, 2)), np.full(count, p.height_mean)])
    covariance = np.broadcast_to(birth_prior(p), (count, 5, 5)).copy()
    seen = np.ones((count, ROWS), dtype=np.bool_)
    mean, covariance = update(view, mean, covariance, observations, seen, np.zeros(count), p, BIRTH_ITERATIONS)
    known &= np.isfinite(mean).all(axis=1)
    body = covariance[:, BODY[:, None], BODY]
    return [Lone(view.camera.camera_id, i, mean[i, BODY], body[i]) for i in range(count) if known[i]]


class BirthPool:
    """The unexplained detections of the last frame of every camera."""

    def __init__(
        self, views: Mapping[str, View], occluders: Occluders, recall: Recall, parameters: TrackerParameters
    ) -> None:
        self._views = views
        self._occluders = occluders
        self._recall = recall
        self._p = parameters
        self._frames: dict[str, tuple[Observations, Observations, list[Lone]]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._frames.clear()

    def put(self, camera_id: str, everything: Observations, free: NDArray[np.intp]) -> None:
        """Replace a camera's entry by its newest frame, of which the detections ``free`` (k,) are unexplained."""
        chosen = everything.select(free)
        self._frames[camera_id] = (chosen, everything, lone_states(self._views[camera_id], chosen, self._p))

    def take_birth(
        self, now_ns: int, newest: str, occupied: FloatArray, allowed: Callable[[FloatArray], bool]
    ) -> Birth | None:
        """Return the most convincing birth that the newest frame takes part in, if any, and forget its detections.

        Args:
            now_ns: the current time; older frames than ``birth_window_s`` do not count.
            newest: the camera whose frame came last: pairs of others have been tried before.
            occupied: (k, 2) places of live shoppers, near whom nobody is born.
            allowed: whether somebody may be born at a place (2,).
        """
        oldest = now_ns - int(self._p.birth_window_s * 1e9)
        for camera_id in [c for c, frame in self._frames.items() if frame[0].stamp_ns < oldest]:
            del self._frames[camera_id]
        lone = [item for camera_id in sorted(self._frames) for item in self._frames[camera_id][2]]
        if self._p.birth_views > 1:
            seeds = self._seeds(lone, newest)
        else:
            seeds = [(item, item) for item in lone if item.camera_id == newest]
        best: tuple[float, Birth] | None = None
        for first, second in seeds:
            start = _fuse(first, second)
            if not self._free(start[:2], occupied) or not allowed(start[:2]):
                continue
            grown = self._grow(first, second, start)
            if grown is None or (best is not None and grown[0] <= best[0]):
                continue
            if self._free(grown[1].mean[:2], occupied) and allowed(grown[1].mean[:2]):
                best = grown
        if best is None:
            return None
        self._forget(best[1])
        return best[1]

    def _free(self, place: FloatArray, occupied: FloatArray) -> bool:
        return not len(occupied) or float(np.hypot(*(occupied - place).T).min()) >= self._p.min_separation

    def _forget(self, birth: Birth) -> None:
        for camera_id, index in birth.detections:
            lone = self._frames[camera_id][2]
            lone[:] = [item for item in lone if item.index != index]

    def _seeds(self, lone: Sequence[Lone], newest: str) -> list[tuple[Lone, Lone]]:
        """Return pairs of the newest and another camera that agree on a place, best first."""
        fresh = [item for item in lone if item.camera_id == newest]
        others = [item for item in lone if item.camera_id != newest]
        if not fresh or not others:
            return []
        motion = np.diag([(self._p.max_speed / 3 * self._p.birth_window_s) ** 2 + 0.05**2] * 2 + [0.05**2])
        delta = np.stack([item.mean for item in fresh])[:, None] - np.stack([item.mean for item in others])
        joint = np.stack([item.covariance for item in fresh])[:, None] + np.stack([item.covariance for item in others])
        distance = np.einsum("ijk,ijk->ij", delta, np.linalg.solve(joint + motion, delta[..., None])[..., 0])
        first, second = np.nonzero(distance < _AGREEMENT_GATE)
        best = np.argsort(distance[first, second], kind="stable")[:_MAX_SEEDS]
        return [(fresh[first[k]], others[second[k]]) for k in best]

    def _grow(self, first: Lone, second: Lone, start: FloatArray) -> tuple[float, Birth] | None:
        """Fuse a seed, let every other camera join, and return its score and the birth, or None if too few agree."""
        p = self._p
        mean = np.array([start[0], start[1], 0.0, 0.0, p.height_mean])
        covariance = birth_prior(self._p)
        members: list[tuple[str, int]] = []
        ordered = [first, second] if first is not second else [first]
        for item in ordered:
            fused = self._join(item.camera_id, item.index, mean, covariance)
            if fused is None:
                return None
            mean, covariance = fused
            members.append((item.camera_id, item.index))
        odds = HIT_RATIO ** len(ordered)
        for camera_id in sorted(self._frames):
            if camera_id in {m[0] for m in members}:
                continue
            visible, best = self._best_joiner(camera_id, mean, covariance)
            fused = None if best is None else self._join(camera_id, best, mean, covariance)
            if best is None or fused is None:
                odds *= 1 - self._recall.open * visible**2
                continue
            mean, covariance = fused
            members.append((camera_id, best))
            odds *= HIT_RATIO
        odds /= HIT_RATIO  # the prior: one view alone convinces nobody
        existence = odds / (1 + odds)
        spread = float(np.sqrt(np.linalg.eigvalsh(covariance[:2, :2])[-1]))
        if existence < _MIN_EXISTENCE or spread > p.birth_gate_m or not 0.9 <= mean[4] <= 2.2:
            return None
        return math.log(odds) - spread, Birth(mean, covariance, existence, tuple(members))

    def _join(
        self, camera_id: str, index: int, mean: FloatArray, covariance: FloatArray
    ) -> tuple[FloatArray, FloatArray] | None:
        """Update a state with one detection if it fits."""
        view, one = self._views[camera_id], self._frames[camera_id][0].select(np.array([index]))
        seen = self._seen_rows(view, mean)
        means, covariances = update(view, mean[None], covariance[None], one, seen, _UPRIGHT, self._p, BIRTH_ITERATIONS)
        prediction = view.predict(means[:, BODY])
        tight = covariances[:, BODY[:, None], BODY]
        misfit, rows = pair_cost(view, tight, prediction, one, seen, _UPRIGHT, self._p.robust_sigma)
        if rows[0, 0] < 2 or not misfit[0, 0] < rows[0, 0] * self._p.gate_sigma**2 / 2:
            return None
        return means[0], covariances[0]

    def _seen_rows(self, view: View, mean: FloatArray) -> NDArray[np.bool_]:
        body = mean[None, BODY]
        return Visibility(view, body, view.predict(body), self._occluders).rows

    def _best_joiner(self, camera_id: str, mean: FloatArray, covariance: FloatArray) -> tuple[float, int | None]:
        """Return how visible the shopper should be to a camera, and which of its unexplained detections fits best."""
        view = self._views[camera_id]
        chosen, everything, lone = self._frames[camera_id]
        body = mean[None, BODY]
        prediction = view.predict(body)
        visibility = Visibility(view, body, prediction, self._occluders)
        tight = covariance[None][:, BODY[:, None], BODY]
        seen, limit = visibility.rows, self._p.robust_sigma
        misfit, rows = pair_cost(view, tight, prediction, everything, seen, _UPRIGHT, limit)
        hidden = bool(len(everything)) and bool((misfit < rows * self._p.gate_sigma**2 / 2).any())
        expected = 0.0 if hidden else float(visibility.fraction[0])
        if not lone:
            return expected, None
        index = np.array([item.index for item in lone])
        subset = chosen.select(index)
        misfit, rows = pair_cost(view, tight, prediction, subset, seen, _UPRIGHT, limit)
        cost = misfit[0] - rows[0] * self._p.gate_sigma**2 / 2
        best = int(np.argmin(cost))
        return expected, int(index[best]) if cost[best] < 0 and rows[0, best] >= 2 else None


def _fuse(first: Lone, second: Lone) -> FloatArray:
    """Return the place and height (3,) on which two lone views agree best."""
    weights = np.linalg.inv(first.covariance), np.linalg.inv(second.covariance)
    total = weights[0] @ first.mean + weights[1] @ second.mean
    return np.asarray(np.linalg.solve(weights[0] + weights[1], total), dtype=np.float64)


def _meet_plane(view: View, pixels: FloatArray, level: FloatArray) -> FloatArray:
    """Return where the rays of ideal pixels (n, 2) meet the planes z = level (n,): (n, 2), NaN where they do not."""
    inverse = np.linalg.inv(view.projection[:, :3])
    direction = np.column_stack([pixels, np.ones(len(pixels))]) @ inverse.T
    direction *= np.sign(direction @ view.projection[2, :3])[:, None]
    origin = view.camera.position
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = (level - origin[2]) / direction[:, 2]
        distance[~(distance > 0)] = np.nan
        return np.asarray(origin[:2] + distance[:, None] * direction[:, :2])
