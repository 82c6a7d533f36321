"""All bodies of one instant compete for all detections of all cameras.

A body is a known shopper with his prediction or a new cluster with next to none. Every camera's detections are given
out by the Hungarian algorithm, one camera after the other, each time by what the prediction and the other cameras say
of the bodies (leaving this camera's own detection out, or none could ever be taken away again); after some rounds
nothing changes. Gauss-Newton in information form, so that a camera's share can be taken out and put in cheaply.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from walkout.tracking.filter import BODY, huber_weight, pair_cost
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.recall import Recall
from walkout.tracking.view import Observations, View
from walkout.tracking.visibility import Occluders, Visibility

FloatArray = NDArray[np.float64]

SLACK_M = 0.15
"""Feet of one walker, boxes of one body: views differ by this on the floor, besides what their noise explains."""
_SLACK = np.diag([SLACK_M**2, SLACK_M**2, 0.05**2])
_OWN_NOISE = np.diag([0.05**2, 0.05**2, 0.03**2])
_FORBIDDEN = 1e6
_NOBODY = -1


class Competition:
    """Bodies (n) at one instant and which detection of each camera is whose.

    ``state`` (n, 3) x, y, height; ``taken`` (n, cameras) index of a detection or -1; ``prior`` (n, 3), (n, 3, 3) what
    was known before.
    """

    def __init__(
        self,
        views: Mapping[str, View],
        occluders: Occluders,
        frames: Mapping[str, Observations],
        recall: Recall,
        parameters: TrackerParameters,
        mean: FloatArray,
        covariance: FloatArray,
        handicap: FloatArray,
    ) -> None:
        self.names = sorted(frames)
        self._views = [views[name] for name in self.names]
        self._frames = [frames[name] for name in self.names]
        self._occluders = occluders
        self._recall = recall
        self._p = parameters
        self._mean = mean
        self._prior = np.linalg.inv(covariance)
        self._handicap = handicap
        count, cameras = len(mean), len(self.names)
        self.state = mean.copy()
        self.taken = np.full((count, cameras), _NOBODY, dtype=np.intp)
        self._information = np.zeros((cameras, count, 3, 3))
        self._pull = np.zeros((cameras, count, 3))

    def go_on(self, earlier: Competition) -> None:
        """Start the first bodies where a competition among them alone has ended."""
        count = len(earlier.state)
        self.state[:count] = earlier.state
        self.taken[:count] = earlier.taken

    def put(self, body: int, members: Mapping[str, int]) -> None:
        """Give a body detections by camera to start with."""
        for name, index in members.items():
            self.taken[body, self.names.index(name)] = index

    def run(self, rounds: int) -> None:
        """Give out all cameras' detections again and again until nothing changes, at most ``rounds`` times."""
        for _ in range(rounds):
            before = self.taken.copy()
            for camera in range(len(self.names)):
                self._give_out(camera)
            self.settle(2)
            if (before == self.taken).all():
                break

    def settle(self, iterations: int) -> None:
        """Move the bodies to where prediction and detections agree best."""
        for _ in range(iterations):
            for camera in range(len(self.names)):
                self._linearise(camera)
            normal, right = self._sums()
            self.state = self.state + np.linalg.solve(normal, right[..., None])[..., 0]
            self.state[:, 2] = np.clip(self.state[:, 2], 0.9, 2.2)
        for camera in range(len(self.names)):
            self._linearise(camera)

    def _sums(self) -> tuple[FloatArray, FloatArray]:
        """Return the normal matrices (n, 3, 3) and right sides (n, 3) of the steps from ``state``."""
        toward = np.einsum("nij,nj->ni", self._prior, self._mean - self.state)
        return self._prior + self._information.sum(axis=0), toward + self._pull.sum(axis=0)

    def _give_out(self, camera: int) -> None:
        view, observations = self._views[camera], self._frames[camera]
        if not len(observations) or not len(self.state):
            return
        normal, right = self._sums()
        covariance = np.linalg.inv(normal - self._information[camera])
        expected = self.state + np.einsum("nij,nj->ni", covariance, right - self._pull[camera])
        prediction = view.predict(expected)
        visibility = Visibility(view, expected, prediction, self._occluders)
        seen = visibility.rows
        upright, limit = np.zeros(len(expected)), self._p.robust_sigma
        misfit, rows = pair_cost(view, covariance + _SLACK, prediction, observations, seen, upright, limit)
        cost = (
            misfit
            - rows * self._p.gate_sigma**2 / 2
            + (self._handicap + self._recall.handicap(visibility.covered))[:, None]
        )
        cost[(rows < 2) | ~np.isfinite(cost)] = _FORBIDDEN
        chosen, detections = linear_sum_assignment(np.minimum(cost, 0.0))
        good = cost[chosen, detections] < 0
        self.taken[:, camera] = _NOBODY
        self.taken[chosen[good], camera] = detections[good]
        self._linearise(camera)

    def _linearise(self, camera: int) -> None:
        """Set a camera's share in the steps from ``state``."""
        view, observations = self._views[camera], self._frames[camera]
        self._information[camera] = 0
        self._pull[camera] = 0
        holders = np.flatnonzero(self.taken[:, camera] != _NOBODY)
        if not len(holders):
            return
        given = observations.select(self.taken[holders, camera])
        prediction = view.predict(self.state[holders])
        variance = given.variance + (view.posture * prediction.scale[:, None]) ** 2
        residual = given.rows - prediction.rows
        weight = huber_weight(residual / np.sqrt(variance), self._p.robust_sigma) / variance
        jacobian = prediction.jacobian
        self._information[camera, holders] = np.einsum("mr,mri,mrj->mij", weight, jacobian, jacobian)
        self._pull[camera, holders] = np.einsum("mr,mri->mi", weight * residual, jacobian)

    def posterior(self, body: int, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return a body's whole state (5,), (5, 5) after the instant, given that before it."""
        total = self._information[:, body].sum(axis=0)
        # Own noise common to all views: (M^-1 + N)^-1 without inverting M, which one view may leave singular.
        share = np.eye(3) - total @ np.linalg.inv(total + np.linalg.inv(_OWN_NOISE))
        pull = share @ (self._pull[:, body].sum(axis=0) + total @ (self.state[body] - mean[BODY]))
        total = share @ total
        cross = covariance[:, BODY]
        inner = np.linalg.inv(np.eye(3) + total @ cross[BODY])
        state = mean + cross @ inner @ pull
        left = covariance - cross @ inner @ total @ cross.T
        return state, (left + left.T) / 2

    def members(self, body: int) -> dict[str, int]:
        """Return a body's detections by camera."""
        return {name: int(index) for name, index in zip(self.names, self.taken[body], strict=True) if index != _NOBODY}
