"""The online multi-view tracker: detections of asynchronous cameras in, shoppers on the floor out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import Detections
from walkout.store.model import Camera, Fixture, Zone, ZoneKind
from walkout.tracking.association import Assignment, assign, exchange_costs
from walkout.tracking.births import HIT_RATIO, Birth, BirthPool
from walkout.tracking.clusters import CLUSTER_HIT_RATIO, Clustering, Instants, Plan
from walkout.tracking.encounters import Encounters
from walkout.tracking.filter import BODY, bend_of, push, update
from walkout.tracking.heading import BINS, observe_heading
from walkout.tracking.identity import Duplicates, Recognised, Recognition, Zones
from walkout.tracking.joint_views import Sight
from walkout.tracking.joints import JointFilter
from walkout.tracking.life import Life
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.recall import Recall
from walkout.tracking.small_arrays import marked, stacked
from walkout.tracking.snapshots import move, public_states, refine_joints
from walkout.tracking.timeline import Timeline
from walkout.tracking.track import Track, born, exchange_bodies, learn_recall, remember_looks, weigh_existence
from walkout.tracking.types import Shoppers, ShopperState, TrackState
from walkout.tracking.view import Observations, Prediction, View, usable
from walkout.tracking.visibility import Occluders, Visibility

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_DEFAULT_PERIOD_S = 0.1


class MultiViewTracker:
    """Follows shoppers in 3D with any number of calibrated cameras.

    Detections may arrive in any order within ``reorder_window_s``: they are processed in the order of their stamps, and
    ``drain`` returns one snapshot at every multiple of ``output_period_s``, made of everything stamped up to
    then. So the same detections give the same snapshots whatever their order of arrival. ``update`` and ``advance``
    never raise on bad data: they count it in ``reports`` (message to number of times), which the caller may print and
    clear.

    With entry zones, new identities arise there alone (``from_entry``); elsewhere a new body is a lost shopper found
    again or an unknown one. Without zones shoppers may appear anywhere. Track ids are never reused, not even after
    ``reset``.
    """

    def __init__(
        self,
        parameters: TrackerParameters,
        cameras: Sequence[Camera],
        zones: Sequence[Zone] = (),
        fixtures: Sequence[Fixture] = (),
        first_track_id: int = 1,
    ) -> None:
        self.parameters = parameters
        self.reports: Counter[str] = Counter()
        self._views = {camera.camera_id: View(camera, parameters) for camera in cameras}
        self._zones = Zones(zones, fixtures, parameters.zone_margin)
        self._occluders = Occluders(fixtures)
        self._joints = JointFilter(parameters)
        self._life = Life(parameters, self._zones, len(self._views))
        self._duplicates = Duplicates(parameters)
        self._encounters = Encounters(parameters)
        self._recognition = Recognition(parameters, self._zones.closed_world)
        self._recall = Recall(parameters)
        self._pool = BirthPool(self._views, self._occluders, self._recall, parameters)
        self._clustering = Clustering(self._views, self._occluders, self._recall, parameters)
        self._instants = Instants(int(parameters.instant_s * 1e9))
        self._timeline = Timeline(list(self._views), parameters)
        self._period_ns = int(parameters.output_period_s * 1e9)
        self._next_id = first_track_id
        self._forget()

    def _forget(self) -> None:
        self._tracks: list[Track] = []
        self._closed: list[Track] = []
        self._snapshots: list[Shoppers] = []
        self._time_ns: int | None = None
        self._next_snapshot_ns: int | None = None
        self._last_frame: dict[str, int] = {}
        self._frame_period: dict[str, float] = {}
        self._sighted: set[View] = set()

    def reset(self) -> None:
        """Forget all shoppers and times (the clock jumped back, another recording); ids go on counting."""
        self._timeline.clear()
        self._instants.clear()
        self._pool.clear()
        self._encounters.clear()
        self._forget()

    def update(self, detections: Detections) -> None:
        """Take the detections of one frame of one camera."""
        camera_id = detections.camera_id
        if camera_id not in self._views:
            self.reports[f"camera {camera_id} is not in the store description: its detections are ignored"] += 1
            return
        clean, malformed = usable(detections, self.parameters)
        if malformed:
            self.reports[f"camera {camera_id}: malformed detections (not finite, wrong shape) are ignored"] += malformed
        if clean is None:
            return
        problem = self._timeline.put(clean)
        if problem == "late" and self._timeline.fell_back():
            self.reports["stamps fell back: tracking starts afresh"] += 1
            self.reset()
            self._timeline.put(clean)
        elif problem == "late":
            self.reports[f"camera {camera_id}: frames later than reorder_window_s are dropped"] += 1
        elif problem:
            self.reports["too many frames wait for their time: the oldest are dropped"] += 1
        self._process()

    def advance(self, now_ns: int) -> None:
        """Tell the time when no detections come: ``stall_s`` behind it shoppers are missed and snapshots go on."""
        if self._timeline.tick(now_ns):
            self.reports["the clock fell back: tracking starts afresh"] += 1
            self.reset()
            self._timeline.tick(now_ns)
        self._process()

    def wait(self, silent_s: float) -> None:
        """Tell for how long no camera's detections have come, by whatever clock; see ``advance``.

        Counting from the newest stamp, not from a clock's time, makes a slow detector's lag harmless.
        """
        newest = self._timeline.newest_ns
        if newest is not None:
            self.advance(newest + int(silent_s * 1e9))

    def flush(self) -> None:
        """Process everything that waits for older frames: the recording is over."""
        self._process(everything=True)

    def drain(self) -> list[Shoppers]:
        """Return the snapshots made since the last call, one per ``output_period_s``, oldest first."""
        ready, self._snapshots = self._snapshots, []
        return ready

    def shoppers(self, stamp_ns: int) -> Shoppers:
        """Return the latest state, predicted to ``stamp_ns`` (not before the last processed frame's time)."""
        return Shoppers(stamp_ns, self._states(self._tracks, stamp_ns))

    def _process(self, everything: bool = False) -> None:
        ready, until = self._timeline.release(everything)
        for detections in ready:
            self._instant(self._instants.put(detections))
            # The median: one camera that was away for a while says nothing of how rare frames are.
            if median(self._frame_period.values() or [0.0]) < self.parameters.rare_period_s:
                self._instant(self._instants.take())
        if until is not None:
            self._instant(self._instants.take(None if everything else until))
            waiting = self._instants.since_ns
            self._snapshot_before(until + 1 if waiting is None else min(until + 1, waiting))

    def _instant(self, frames: Sequence[Detections]) -> None:
        """Process the frames of one instant: together when frames are rare, one after the other else."""
        if len({f.camera_id for f in frames}) < max(len(frames), 2):
            for frame in frames:
                self._snapshot_before(frame.stamp_ns)
                self._frame(frame)
            return
        self._snapshot_before(frames[0].stamp_ns)
        self._predict(frames[-1].stamp_ns)
        tracks = [t for t in self._tracks if t.live]
        seen = {f.camera_id: self._views[f.camera_id].observe(f) for f in frames}
        plan = self._clustering.plan(tracks, seen)
        for track in tracks:
            if track.track_id in plan.found:
                cluster = plan.found[track.track_id]
                track.mean, track.covariance = cluster.mean, cluster.covariance
        for frame in frames:
            self._settle(self._views[frame.camera_id], tracks, seen[frame.camera_id], plan)
        for birth in plan.births:
            place, live = birth.mean[:2], [t for t in self._tracks if t.live]
            crowded = any(np.hypot(*(place - t.position)) < self.parameters.min_separation for t in live)
            if not crowded and self._zones.may_appear(place):
                self._tracks.append(self._new_track(birth, frames[-1].stamp_ns))

    def _snapshot_before(self, stamp_ns: int) -> None:
        """Take the snapshots that are due before a frame of this stamp changes the state."""
        if self._next_snapshot_ns is None:
            self._next_snapshot_ns = -(-stamp_ns // self._period_ns) * self._period_ns
        while self._next_snapshot_ns < stamp_ns:
            due = self._next_snapshot_ns
            self._update_joints(self._time_ns or due)
            self._housekeeping(due)
            self._snapshots.append(Shoppers(due, self._states([*self._tracks, *self._closed], due)))
            self._closed = []
            self._next_snapshot_ns = due + self._period_ns

    def _frame(self, detections: Detections) -> None:
        """Process one camera's frame: predict, match, update, count misses, look for births."""
        stamp, camera_id = detections.stamp_ns, detections.camera_id
        self._predict(stamp)
        observations = self._views[camera_id].observe(detections)
        matched = self._settle(self._views[camera_id], [t for t in self._tracks if t.live], observations)
        free = np.flatnonzero(~marked(matched.detections, len(observations)))
        self._pool.put(camera_id, observations, free)
        if len(free):
            self._bear(stamp, camera_id)

    def _settle(
        self, view: View, tracks: list[Track], observations: Observations, plan: Plan | None = None
    ) -> Assignment:
        """Match one frame with the shoppers, by a plan if there is one; update, count misses; return the match."""
        stamp = observations.stamp_ns
        elapsed = self._note_frame(view.camera.camera_id, stamp)
        bodies = stacked([t.mean for t in tracks], 5)[:, BODY]
        prediction = view.predict(bodies)
        visibility = Visibility(view, bodies, prediction, self._occluders)
        if plan is None:
            handicap = self._recall.handicap(visibility.covered, np.array([t.existence for t in tracks]))
            matched = assign(view, tracks, prediction, visibility.rows, handicap, observations, self.parameters)
        else:
            matched = plan.assignment(view.camera.camera_id)
        chosen, visible = [tracks[i] for i in matched.tracks.tolist()], visibility.fraction
        self._encounters.watch(tracks, exchange_costs(matched), stamp)
        self._correct(view, chosen, prediction, visibility, observations, matched, plan)
        found = marked(matched.tracks, len(tracks))
        learn_recall(self._recall, tracks, visibility, found, view.camera.camera_id, self._firm_window(stamp))
        self._duplicates.watch(tracks, found, visible, elapsed)
        self._believe(tracks, found, visible, elapsed, HIT_RATIO if plan is None else CLUSTER_HIT_RATIO)
        return matched

    def _note_frame(self, camera_id: str, stamp: int) -> float:
        """Return how long one frame of this camera stands for, in seconds."""
        last = self._last_frame.get(camera_id)
        self._last_frame[camera_id] = stamp
        if last is None or stamp <= last:
            return self._frame_period.get(camera_id, _DEFAULT_PERIOD_S)
        gap = (stamp - last) / 1e9
        usual = self._frame_period.get(camera_id, gap)
        self._frame_period[camera_id] = usual + 0.2 * (min(gap, 2.0) - usual)
        return min(gap, 2 * usual)

    def _predict(self, stamp: int) -> None:
        """Move all live shoppers to ``stamp``; lost ones stay where they were."""
        dt = 0.0 if self._time_ns is None else (stamp - self._time_ns) / 1e9
        self._time_ns = stamp
        live = [t for t in self._tracks if t.live]
        if dt <= 0 or not live:
            return
        mean, covariance, heading = move(live, dt, self.parameters)
        for k, track in enumerate(live):
            track.mean, track.covariance, track.heading = mean[k], covariance[k], heading[k]

    def _correct(
        self,
        view: View,
        chosen: list[Track],
        prediction: Prediction,
        visibility: Visibility,
        observations: Observations,
        matched: Assignment,
        plan: Plan | None,
    ) -> None:
        """Update the states of the ``chosen``, matched, shoppers, unless a plan has done it, and joints."""
        if not chosen:
            return
        given = observations.select(matched.detections)
        before = stacked([t.mean for t in chosen], 5)
        mean, covariance = update(
            view,
            before,
            stacked([t.covariance for t in chosen], 5, 5),
            given,
            visibility.rows[matched.tracks],
            bend_of(before[:, 4], np.array([t.stature for t in chosen])),
            self.parameters,
            prediction=prediction.select(matched.tracks),
        )
        for k, track in enumerate(chosen):
            if plan is not None and track.track_id in plan.found:
                mean[k], covariance[k] = track.mean, track.covariance
        moves = self._occluders.way_out(mean[:, :2])
        for k in np.flatnonzero(moves.any(axis=1)):
            mean[k], covariance[k] = push(mean[k], covariance[k], moves[k])
        stamp, since = observations.stamp_ns, self._firm_window(observations.stamp_ns)
        for track, state, spread, height in zip(chosen, mean, covariance, mean[:, 4].tolist(), strict=True):
            track.mean, track.covariance = state, spread
            track.learn_stature(height)
            track.note_hit(view.camera.camera_id, stamp, since)
        wholly = np.flatnonzero(visibility.fraction[matched.tracks] > 0.9)
        remember_looks([chosen[k] for k in wholly.tolist()], given.appearance[wholly])
        if given.confidence.any():
            self._note_sights(view, chosen, given)

    def _firm_window(self, stamp: int) -> int:
        """Return from when on another camera's find supports one of this stamp (ns)."""
        return stamp - int(1.2e9 * max(self._frame_period.values(), default=_DEFAULT_PERIOD_S))

    def _note_sights(self, view: View, chosen: list[Track], given: Observations) -> None:
        """Update the headings of the matched shoppers and keep what the camera saw of their joints."""
        if view in self._sighted and any(sight.view is view for track in chosen for sight in track.sights):
            self._update_joints(given.stamp_ns)
        self._sighted.add(view)
        body = stacked([t.mean for t in chosen], 5)[:, BODY]
        belief = stacked([t.heading for t in chosen], BINS)
        sd = self._joints.pixel_sd(view, given.confidence, given.height)
        belief, exchanged = observe_heading(view, belief, body, given.keypoints, sd, self.parameters)
        seen = zip(given.keypoints, sd, given.confidence, exchanged.tolist(), strict=True)
        for track, heading, sight in zip(chosen, belief, seen, strict=True):
            track.heading = heading
            track.sights.append(Sight(view, given.stamp_ns, *sight))

    def _update_joints(self, now: int) -> None:
        """Let the sights of all cameras since the last time refine the joints, whose time becomes ``now``."""
        refine_joints([t for t in self._tracks if t.live and t.sights], now, self._joints)
        self._sighted.clear()

    def _believe(
        self, tracks: list[Track], found: BoolArray, visible: FloatArray, elapsed: float, hit_ratio: float
    ) -> None:
        """Raise the existence of those seen, lower it of those who should have been.

        Misses of one camera are correlated, so a whole Bayes update is spread over ``existence_decay_s``. A find
        that no other camera supports says nothing: one camera alone always has somebody along its ray.
        """
        share = min(elapsed / self.parameters.existence_decay_s, 1.0)
        # Where no zone says how people leave, anybody may have gone since the last frame.
        stays = 1.0 if self._zones.closed_world else np.exp(-elapsed / self.parameters.stay_s / len(self._views))
        weigh_existence(tracks, found, hit_ratio, 1 - self._recall.open * visible**2, share, stays)

    def _bear(self, stamp: int, camera_id: str) -> None:
        """Let the agreeing unexplained detections become tentative shoppers."""
        while True:
            occupied = stacked([t.position for t in self._tracks if t.live], 2)
            birth = self._pool.take_birth(stamp, camera_id, occupied, self._zones.may_appear)
            if birth is None:
                return
            self._tracks.append(self._new_track(birth, stamp))

    def _new_track(self, birth: Birth, stamp: int) -> Track:
        place = birth.mean[:2]
        entered = self._zones.inside(ZoneKind.ENTRY, place) and not self._zones.outdoors(place)
        self._next_id += 1
        return born(self._next_id - 1, birth, stamp, entered, self._duplicates.beside(place, self._tracks))

    def _housekeeping(self, now: int) -> None:
        """Confirm, lose, merge, recognise and close; runs at the stamp of every snapshot."""
        for first, second in self._encounters.settle(now):
            exchange_bodies(first, second)
        for kept, absorbed in self._duplicates.find(self._tracks):
            if self._duplicates.are_two(kept, absorbed):
                self._encounters.hide(kept, absorbed, now)
            else:
                self._close(absorbed, kept)
        period = max(self._frame_period.values(), default=0.0)
        for track in self._tracks:
            if self._life.ends(track, now, period):
                self._close(track)
        self._recognise(now)
        self._tracks = [t for t in self._tracks if t.state is not TrackState.CLOSED]

    def _recognise(self, now: int) -> None:
        """Let confirmed bodies that did not come through the entry take up the identity of a missing shopper."""
        stale = int(1e9 * max(2 * self.parameters.confirm_age_s, 2.5 * max(self._frame_period.values(), default=0.0)))
        missing = [
            t
            for t in self._tracks
            if t.state is TrackState.LOST or (t.state is TrackState.CONFIRMED and now - t.firm_ns > stale)
        ]
        missing = [t for t in missing if not self._zones.inside(ZoneKind.EXIT, t.last_place)]  # those have left
        strangers = [t for t in self._tracks if t.live and not t.settled and t.hits >= self.parameters.confirm_hits]
        strangers = [t for t in strangers if t not in missing and not self._zones.outdoors(t.position)]
        for found in self._recognition.match(strangers, missing):
            self._continue(found)
        for track in strangers:
            # In a closed store an unknown body may be recognised for as long as somebody is missing.
            waited = not self._zones.closed_world and (now - track.born_ns) / 1e9 > self.parameters.lost_after_s * 2
            if track.state is TrackState.CONFIRMED and (track.from_entry or waited):
                track.settled = True

    def _continue(self, found: Recognised) -> None:
        """Give a lost shopper the body of a stranger, whose own id ends here."""
        lost, stranger = found.missing, found.stranger
        self._encounters.doubt(lost, found.rivals, self._time_ns or stranger.born_ns)
        exchange_bodies(lost, stranger)
        lost.recover(stranger.existence, found.known)
        self._close(stranger, lost)

    def _close(self, track: Track, heir: Track | None = None) -> None:
        """End a track; when it turned out to be another's, its last state names the heir."""
        track.state = TrackState.CLOSED
        if heir is not None:
            track.identity, track.may_be = {heir.track_id: 1.0}, {}
        self._closed.append(track)

    def _states(self, tracks: Sequence[Track], stamp_ns: int) -> tuple[ShopperState, ...]:
        dt = 0.0 if self._time_ns is None else max((stamp_ns - self._time_ns) / 1e9, 0.0)
        period = max(self._frame_period.values(), default=0.0)
        return tuple(public_states(tracks, stamp_ns, dt, period, self._joints, self.parameters))
