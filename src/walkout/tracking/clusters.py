"""Association of all cameras of an instant together, for frames so rare that a walker's next place cannot be predicted.

At two frames a second a walker moves so far between frames that one camera alone cannot say whose detection is whose.
All cameras of one instant together can: known shoppers, with their predictions as weak priors, compete for all
detections of every camera (``competition``); what nobody took is clustered (greedily, the place that most cameras
support first), and the clusters, as bodies nobody knew, join the competition. What a detection alone says of a place is
the same as in ``births``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import Detections
from walkout.tracking.association import Assignment
from walkout.tracking.births import Birth, Lone, birth_prior, lone_states
from walkout.tracking.competition import SLACK_M, Competition
from walkout.tracking.filter import BODY
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.recall import Recall
from walkout.tracking.track import Track
from walkout.tracking.view import Observations, View
from walkout.tracking.visibility import Occluders, Visibility

FloatArray = NDArray[np.float64]

_AGREEMENT_GATE = 14.2  # chi-square, 3 degrees of freedom, 3 sigma
_ROUNDS = 4
_NEW_HANDICAP = 4.0
"""How much likelier a detection is a known shopper's than a new one's, all else equal (two times the log)."""
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
        recall: Recall,
        parameters: TrackerParameters,
    ) -> None:
        self._views = views
        self._occluders = occluders
        self._recall = recall
        self._p = parameters

    def plan(self, tracks: Sequence[Track], frames: Mapping[str, Observations]) -> Plan:
        """Return which detections belong to which of ``tracks``, and who else is there.

        A shopper may have what one camera alone has found; a birth needs ``birth_views``.
        """
        game = self._compete(tracks, [], frames, None)
        taken = {item for row in range(len(tracks)) for item in game.members(row).items()}
        lone = [item for name in sorted(frames) for item in lone_states(self._views[name], frames[name], self._p)]
        fresh = self._greedy([item for item in lone if (item.camera_id, item.index) not in taken], sorted(frames))
        game = self._compete(tracks, fresh, frames, game)
        found: dict[int, Cluster] = {}
        claims: dict[str, list[tuple[int, int]]] = {name: [] for name in frames}
        for row, track in enumerate(tracks):
            members = game.members(row)
            if members:
                found[track.track_id] = Cluster(*game.posterior(row, track.mean, track.covariance), members)
            for name, index in members.items():
                claims[name].append((row, index))
        births = []
        for row, cluster in enumerate(fresh, len(tracks)):
            members = game.members(row)
            if len(members) >= min(self._p.birth_views, len(self._views)):
                state = game.posterior(row, cluster.mean, cluster.covariance)
                births.append(self._birth(Cluster(*state, members), frames))
        return Plan(found, claims, births)

    def _birth(self, cluster: Cluster, frames: Mapping[str, Observations]) -> Birth:
        """Return a cluster as a birth, believed the more, the more of the cameras that should see it do."""
        odds = CLUSTER_HIT_RATIO ** (len(cluster.members) - 1)
        body = cluster.mean[None, BODY]
        for name in frames:
            if name not in cluster.members:
                view = self._views[name]
                visible = float(Visibility(view, body, view.predict(body), self._occluders).fraction[0])
                odds *= 1 - self._recall.open * visible**2
        return Birth(cluster.mean, cluster.covariance, odds / (1 + odds), tuple(cluster.members.items()))

    def _compete(
        self,
        tracks: Sequence[Track],
        fresh: Sequence[Cluster],
        frames: Mapping[str, Observations],
        before: Competition | None,
    ) -> Competition:
        """Let shoppers and new clusters compete for all detections, from what the shoppers had ``before``."""
        bodies: list[Track | Cluster] = [*tracks, *fresh]
        game = Competition(
            self._views,
            self._occluders,
            frames,
            self._recall,
            self._p,
            np.array([body.mean for body in bodies]).reshape(-1, 5)[:, BODY],
            np.array([body.covariance for body in bodies]).reshape(-1, 5, 5)[:, BODY[:, None], BODY],
            np.repeat([0.0, _NEW_HANDICAP], [len(tracks), len(fresh)]),
        )
        if before is not None:
            game.go_on(before)
        for row, cluster in enumerate(fresh, len(tracks)):
            game.put(row, cluster.members)
        if bodies:
            game.settle(2)
            game.run(_ROUNDS)
        return game

    def _greedy(self, lone: Sequence[Lone], names: Sequence[str]) -> list[Cluster]:
        """Take the place that most cameras support, remove its detections, and so on."""
        if not lone:
            return []
        camera = np.array([names.index(item.camera_id) for item in lone])
        mean = np.stack([item.mean for item in lone])
        spread = np.stack([item.covariance for item in lone]) + np.diag([SLACK_M**2, SLACK_M**2, 0.0])
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
