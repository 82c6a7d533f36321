"""Cluster-first association, for frames so rare that a walker's next place cannot be predicted.

At two frames a second a walker moves further between frames than two shoppers stand apart, so one camera alone cannot
say whose detection is whose. All cameras of one instant together can: detections of different cameras that agree on a
place (greedily, the place that most cameras support first) make a cluster; all clusters then compete for all detections
of every camera (Hungarian algorithm) and are refined; only then shoppers are matched with clusters. What a detection
alone says of a place is the same as in ``births``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from walkout.perception.types import Detections
from walkout.tracking.association import Assignment
from walkout.tracking.births import Birth, Lone, birth_prior, lone_states
from walkout.tracking.filter import BIRTH_ITERATIONS, BODY, pair_cost, pair_variance, update
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.track import Track
from walkout.tracking.view import Observations, View
from walkout.tracking.visibility import Occluders, Visibility

FloatArray = NDArray[np.float64]

_AGREEMENT_GATE = 14.2  # chi-square, 3 degrees of freedom, 3 sigma
_LONE_GATE = 6.25  # the same for what one camera alone has found: 90 % of the right ones
_SLACK_M = 0.15
"""Feet of one walker, boxes of one body: views differ by this on the floor, besides what their noise explains."""
_OWN_NOISE = np.diag([0.05**2, 0.05**2, 0.03**2])
_FORBIDDEN = 1e6
_ROUNDS = 2
CLUSTER_HIT_RATIO = 10.0
"""How much likelier a cluster's detection is when the shopper exists than when he does not."""


class Instants:
    """Holds back frames until the instant they belong to is complete: frames within ``span_ns`` of the first."""

    def __init__(self, span_ns: int) -> None:
        self._span = span_ns
        self._waiting: list[Detections] = []

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting = []

    @property
    def since_ns(self) -> int | None:
        """The stamp of the first frame that waits."""
        return self._waiting[0].stamp_ns if self._waiting else None

    def put(self, frame: Detections) -> list[Detections]:
        """Take the next frame in order of stamps; return an instant that it shows to be complete, or nothing."""
        done = self.take(frame.stamp_ns - 1)
        self._waiting.append(frame)
        return done

    def take(self, until_ns: int | None = None) -> list[Detections]:
        """Return the waiting instant if it is complete because nothing up to ``until_ns`` can come; None: at once."""
        if until_ns is not None and self._waiting and until_ns < self._waiting[0].stamp_ns + self._span:
            return []
        done, self._waiting = self._waiting, []
        return done


@dataclass
class Cluster:
    """Detections of different cameras at one place: state (5,), (5, 5), and index in the frame by camera."""

    mean: FloatArray
    covariance: FloatArray
    members: dict[str, int] = field(default_factory=dict)


@dataclass
class Plan:
    """What the clusters of one instant say.

    ``found`` are the clusters of known shoppers by track id, ``claims`` the same as pairs of track and detection
    indices by camera, and ``births`` the clusters that are nobody's yet.
    """

    found: dict[int, Cluster]
    claims: dict[str, list[tuple[int, int]]]
    births: list[Birth]

    def assignment(self, camera_id: str) -> Assignment:
        """Return a camera's part."""
        pairs = np.array(self.claims[camera_id], dtype=np.intp).reshape(-1, 2)
        return Assignment(pairs[:, 0], pairs[:, 1], None)


class Clustering:
    """Finds the clusters of one instant."""

    def __init__(
        self,
        views: Mapping[str, View],
        occluders: Occluders,
        parameters: TrackerParameters,
    ) -> None:
        self._views = views
        self._occluders = occluders
        self._p = parameters

    def plan(self, tracks: Sequence[Track], frames: Mapping[str, Observations]) -> Plan:
        """Return which detections belong to which of ``tracks``, and who else is there.

        Shoppers whom no cluster fits may have what one camera alone has found and no cluster has taken.
        """
        lone = [item for name in sorted(frames) for item in lone_states(self._views[name], frames[name], self._p)]
        clusters = self._find(lone, frames)
        pairs = match_clusters(tracks, clusters, _AGREEMENT_GATE)
        owner = {column: row for row, column in pairs}
        births = [self._birth(c, frames) for number, c in enumerate(clusters) if number not in owner]
        taken = {item for cluster in clusters for item in cluster.members.items()}
        singles = [_single(item, self._p) for item in lone if (item.camera_id, item.index) not in taken]
        matched = {row for row, _ in pairs}
        loose = [row for row in range(len(tracks)) if row not in matched]
        found = [(row, clusters[column]) for row, column in pairs]
        found += [
            (loose[r], singles[c]) for r, c in match_clusters([tracks[row] for row in loose], singles, _LONE_GATE)
        ]
        claims: dict[str, list[tuple[int, int]]] = {name: [] for name in frames}
        for row, cluster in found:
            for name, index in cluster.members.items():
                claims[name].append((row, index))
        return Plan({tracks[row].track_id: cluster for row, cluster in found}, claims, births)

    def _birth(self, cluster: Cluster, frames: Mapping[str, Observations]) -> Birth:
        """Return a cluster as a birth, believed the more, the more of the cameras that should see it do."""
        odds = CLUSTER_HIT_RATIO ** (len(cluster.members) - 1)
        body = cluster.mean[None, BODY]
        for name in frames:
            if name not in cluster.members:
                view = self._views[name]
                visible = float(Visibility(view, body, view.predict(body), self._occluders).fraction[0])
                odds *= 1 - self._p.detection_probability * visible**2
        return Birth(cluster.mean, cluster.covariance, odds / (1 + odds), tuple(cluster.members.items()))

    def _find(self, lone: Sequence[Lone], frames: Mapping[str, Observations]) -> list[Cluster]:
        """Return the clusters of at least ``birth_views`` cameras, those of most cameras first."""
        clusters = self._greedy(lone, sorted(frames))
        for _ in range(_ROUNDS):
            clusters = self._compete(clusters, frames)
        return sorted(clusters, key=lambda c: (-len(c.members), c.mean[0]))

    def _greedy(self, lone: Sequence[Lone], names: Sequence[str]) -> list[Cluster]:
        """Take the place that most cameras support, remove its detections, and so on."""
        if not lone:
            return []
        camera = np.array([names.index(item.camera_id) for item in lone])
        mean = np.stack([item.mean for item in lone])
        spread = np.stack([item.covariance for item in lone]) + np.diag([_SLACK_M**2, _SLACK_M**2, 0.0])
        weight = np.linalg.inv(spread)
        distance = _agreement(mean, spread, camera)
        free = np.ones(len(lone), dtype=np.bool_)
        gain = np.where(distance < _AGREEMENT_GATE, _AGREEMENT_GATE - distance, 0.0)
        clusters: list[Cluster] = []
        while free.any():
            best = np.stack(
                [np.where(free & (camera == c), gain, 0.0).max(axis=1, initial=0.0) for c in range(len(names))], axis=1
            )
            support = np.where(free, (best > 0).sum(axis=1) * _AGREEMENT_GATE + best.sum(axis=1), -1.0)
            seed = int(support.argmax())
            if support[seed] <= 0:
                break
            members = _gather(seed, np.where(free, gain[seed], 0.0), mean, weight, spread, camera)
            free[seed] = False
            if len(members) < min(self._p.birth_views, len(self._views)):
                continue
            free[members] = False
            body = np.linalg.solve(weight[members].sum(axis=0), np.einsum("kij,kj->i", weight[members], mean[members]))
            start = np.array([body[0], body[1], 0.0, 0.0, body[2]])
            named = {lone[k].camera_id: lone[k].index for k in members}
            clusters.append(Cluster(start, birth_prior(self._p), named))
        return clusters

    def _compete(self, clusters: list[Cluster], frames: Mapping[str, Observations]) -> list[Cluster]:
        """Assign every camera's detections to the clusters anew and refine these; drop those that too few support."""
        if not clusters:
            return []
        mean = np.stack([c.mean for c in clusters])
        tight = np.broadcast_to(np.diag([_SLACK_M**2, _SLACK_M**2, 0.1**2]), (len(clusters), 3, 3))
        members: list[dict[str, int]] = [{} for _ in clusters]
        covariance = np.broadcast_to(birth_prior(self._p), (len(clusters), 5, 5)).copy()
        refined = mean.copy()
        refined[:, 4] = self._p.height_mean
        upright = np.zeros(len(clusters))
        for name in sorted(frames):
            view, observations = self._views[name], frames[name]
            if not len(observations):
                continue
            prediction = view.predict(mean[:, BODY])
            seen = Visibility(view, mean[:, BODY], prediction, self._occluders).rows
            variance = pair_variance(view, prediction, observations, seen, upright)
            misfit, rows = pair_cost(tight, prediction, observations, variance, self._p.robust_sigma)
            cost = misfit - rows * self._p.gate_sigma**2 / 2
            cost[(rows < 2) | ~np.isfinite(cost)] = _FORBIDDEN
            chosen, detections = linear_sum_assignment(np.minimum(cost, 0.0))
            good = cost[chosen, detections] < 0
            chosen, detections = chosen[good], detections[good]
            refined[chosen], covariance[chosen] = update(
                view,
                refined[chosen],
                covariance[chosen],
                observations.select(detections),
                seen[chosen],
                upright[chosen],
                self._p,
                BIRTH_ITERATIONS,
            )
            for k, d in zip(chosen.tolist(), detections.tolist(), strict=True):
                members[k][name] = d
        needed = min(self._p.birth_views, len(self._views))
        return [
            Cluster(refined[k], covariance[k], members[k]) for k in range(len(clusters)) if len(members[k]) >= needed
        ]


def _single(lone: Lone, parameters: TrackerParameters) -> Cluster:
    """Return one detection as a cluster."""
    covariance = birth_prior(parameters)
    covariance[np.ix_(BODY, BODY)] = lone.covariance
    mean = np.array([lone.mean[0], lone.mean[1], 0.0, 0.0, lone.mean[2]])
    return Cluster(mean, covariance, {lone.camera_id: lone.index})


def _agreement(mean: FloatArray, spread: FloatArray, camera: NDArray[np.int_]) -> FloatArray:
    """Return the squared Mahalanobis distances (n, n) of lone views; infinite for two of one camera."""
    distance = np.full((len(mean), len(mean)), np.inf)
    first, second = np.nonzero(np.triu(camera[:, None] != camera[None]))
    # Only pairs whose long axes can reach each other are worth a matrix inversion.
    reach = 3 * np.sqrt(np.trace(spread[:, :2, :2], axis1=1, axis2=2))
    near = np.hypot(*(mean[first, :2] - mean[second, :2]).T) < reach[first] + reach[second]
    first, second = first[near], second[near]
    delta = mean[first] - mean[second]
    solved = np.linalg.solve(spread[first] + spread[second], delta[..., None])[..., 0]
    distance[first, second] = distance[second, first] = np.einsum("ki,ki->k", delta, solved)
    return distance


def _gather(
    seed: int, gain: FloatArray, mean: FloatArray, weight: FloatArray, spread: FloatArray, camera: NDArray[np.int_]
) -> list[int]:
    """Return a seed's cluster: partners by falling agreement that fit what the cluster has become, one per camera."""
    members, total = [seed], weight[seed]
    centre = mean[seed]
    for other in np.argsort(-gain, kind="stable"):
        if gain[other] <= 0:
            break
        if camera[other] in camera[members]:
            continue
        delta = mean[other] - centre
        if delta @ np.linalg.solve(np.linalg.inv(total) + spread[other], delta) > _AGREEMENT_GATE:
            continue
        centre = np.linalg.solve(total + weight[other], total @ centre + weight[other] @ mean[other])
        total = total + weight[other]
        members.append(int(other))
    return members


def match_clusters(tracks: Sequence[Track], clusters: Sequence[Cluster], gate: float) -> list[tuple[int, int]]:
    """Return pairs of indices of tracks and clusters: the Hungarian algorithm on place and height.

    Args:
        tracks: shoppers predicted to the instant.
        clusters: what the cameras found.
        gate: largest squared Mahalanobis distance of a pair (chi-square, 3 degrees of freedom).
    """
    if not tracks or not clusters:
        return []
    delta = np.stack([t.mean[BODY] for t in tracks])[:, None] - np.stack([c.mean[BODY] for c in clusters])[None]
    spread = np.stack([t.covariance for t in tracks])[:, BODY[:, None], BODY][:, None]
    spread = spread + np.stack([c.covariance for c in clusters])[:, BODY[:, None], BODY][None] + _OWN_NOISE
    distance = np.einsum("tci,tci->tc", delta, np.linalg.solve(spread, delta[..., None])[..., 0])
    # The determinant keeps a vague track from taking the cluster of a sure one.
    cost = np.where(distance < gate, distance + np.linalg.slogdet(spread)[1], _FORBIDDEN)
    rows, columns = linear_sum_assignment(cost)
    return [(r, c) for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if cost[r, c] < _FORBIDDEN]


def fuse(mean: FloatArray, covariance: FloatArray, cluster: Cluster) -> tuple[FloatArray, FloatArray]:
    """Return a shopper's predicted state (5,), (5, 5) after a cluster's place and height have been given to it.

    A cluster has been made without the prediction, so it is one linear observation, and no number of iterations on the
    cameras is needed to get there from a prediction that may be a metre off.
    """
    cross = covariance[:, BODY]
    noise = cluster.covariance[np.ix_(BODY, BODY)] + _OWN_NOISE
    gain = np.linalg.solve(cross[BODY] + noise, cross.T).T
    state = mean + gain @ (cluster.mean[BODY] - mean[BODY])
    left = covariance - gain @ cross.T
    return state, (left + left.T) / 2
