"""Markers of the shoppers: body, hands, the label with the cart, and how sure the tracker is of place and identity.

Stable ids, explicit DELETE, never DELETEALL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rclpy.duration import Duration
from visualization_msgs.msg import Marker, MarkerArray

from walkout.ros.stamps import to_time
from walkout.ros.store_markers import TEXT_COLOUR, hue_colour, make_marker, point, rgba
from walkout.store.model import Camera
from walkout.tracking.names import short_name
from walkout.tracking.types import Shoppers, ShopperState, TrackState

LEFT_WRIST, RIGHT_WRIST = 6, 7
BONES = ((1, 2), (1, 3), (2, 4), (4, 6), (3, 5), (5, 7), (1, 8), (1, 9), (8, 10), (9, 11), (0, 1))
BODY_RADIUS = 0.22
UNKNOWN_COLOUR = (0.55, 0.55, 0.58)
AMBIGUOUS_COLOUR = (0.85, 0.20, 0.55)
ELLIPSE_SHARE = np.sqrt(5.991)
"""Standard deviations that hold 95 % of a normal distribution in the plane."""
ELLIPSE_POINTS = 32
MAX_ELLIPSE_M = 5.0
LEAST_CANDIDATE = 0.05
"""Identities less probable than this are not drawn."""


class ShopperMarkers:
    """Remembers which markers are on show, to delete exactly those whose shopper is gone."""

    def __init__(self, lifetime_s: float, cameras: Sequence[Camera] = ()) -> None:
        """``lifetime_s`` makes markers vanish by themselves when the publisher dies; 0 is for ever.

        With ``cameras`` a line is drawn from each that is bound to a shopper.
        """
        self._places = {camera.camera_id: camera.position for camera in cameras}
        self._lifetime = Duration(seconds=lifetime_s).to_msg()
        self._shown: set[tuple[str, int]] = set()

    def update(self, shoppers: Shoppers) -> MarkerArray:
        """Return the markers of these shoppers and the deletions of those who left."""
        markers = []
        drawn = {s.track_id: s for s in shoppers.shoppers if s.state in (TrackState.CONFIRMED, TrackState.LOST)}
        for state in drawn.values():
            markers += _shopper(state) + _ellipse(state) + _ambiguity(state, drawn) + _views(state, self._places)
        return self._finish(markers, shoppers.stamp_ns)

    def labels(self, shoppers: Shoppers, texts: dict[int, str]) -> MarkerArray:
        """Return the text above each shopper of ``texts`` (by track id), behind the shopper's short name."""
        markers = []
        for state in shoppers.shoppers:
            text = texts.get(state.track_id)
            if text and state.state in (TrackState.CONFIRMED, TrackState.LOST):
                marker = make_marker("label", state.track_id, Marker.TEXT_VIEW_FACING, (0.0, 0.0, 0.16), TEXT_COLOUR)
                marker.pose.position = point(state.mean[0], state.mean[1], float(state.mean[4]) + 0.25)
                marker.text = f"{short_name(state.track_id)}: {text}"
                markers.append(marker)
        return self._finish(markers, shoppers.stamp_ns)

    def clear(self) -> MarkerArray:
        """Return the deletion of everything on show."""
        return self._finish([], 0)

    def _finish(self, markers: list[Marker], stamp_ns: int) -> MarkerArray:
        now = {(marker.ns, marker.id) for marker in markers}
        for marker in markers:
            marker.header.stamp = to_time(stamp_ns)
            marker.lifetime = self._lifetime
        for namespace, number in sorted(self._shown - now):
            gone = Marker(ns=namespace, id=number, action=Marker.DELETE)
            gone.header.frame_id = "store"
            gone.header.stamp = to_time(stamp_ns)
            markers.append(gone)
        self._shown = now
        return MarkerArray(markers=markers)


def _shopper(state: ShopperState) -> list[Marker]:
    colour = _colour(state)
    x, y, height = float(state.mean[0]), float(state.mean[1]), float(np.clip(state.mean[4], 0.5, 2.3))
    alpha = 0.35 if state.state is TrackState.LOST else 0.6
    body = make_marker(
        "body", state.track_id, Marker.CYLINDER, (2 * BODY_RADIUS, 2 * BODY_RADIUS, height), (*colour, alpha)
    )
    body.pose.position = point(x, y, height / 2)
    markers = [body]
    known = np.asarray(np.isfinite(state.keypoints).all(axis=1))
    bones = [state.keypoints[list(bone)] for bone in BONES if known[list(bone)].all()]
    if bones:
        skeleton = make_marker("skeleton", state.track_id, Marker.LINE_LIST, (0.035, 0.0, 0.0), (*colour, 1.0))
        skeleton.points = [point(*joint) for bone in bones for joint in bone]
        markers.append(skeleton)
    wrists = [state.keypoints[joint] for joint in (LEFT_WRIST, RIGHT_WRIST) if known[joint]]
    if wrists:
        hands = make_marker("hands", state.track_id, Marker.SPHERE_LIST, (0.11, 0.11, 0.11), (1.0, 0.8, 0.2))
        hands.points = [point(*wrist) for wrist in wrists]
        hands.colors = [rgba((1.0, 0.8, 0.2)) for _ in wrists]
        markers.append(hands)
    return markers


def _colour(state: ShopperState) -> tuple[float, float, float]:
    return hue_colour(f"shopper {state.track_id}", 0.65, 0.85) if state.from_entry else UNKNOWN_COLOUR


def _ellipse(state: ShopperState) -> list[Marker]:
    """Return the outline on the floor that holds the shopper with 95 %."""
    if not np.isfinite(state.covariance[:2, :2]).all():
        return []
    values, axes = np.linalg.eigh(state.covariance[:2, :2])
    radii = ELLIPSE_SHARE * np.sqrt(values.clip(1e-6, None))
    angle = np.linspace(0, 2 * np.pi, ELLIPSE_POINTS + 1)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * radii.clip(None, MAX_ELLIPSE_M) @ axes.T
    outline = make_marker("covariance", state.track_id, Marker.LINE_STRIP, (0.02, 0.0, 0.0), (*_colour(state), 1.0))
    outline.points = [point(state.mean[0] + x, state.mean[1] + y, 0.02) for x, y in ring]
    return [outline]


def _ambiguity(state: ShopperState, drawn: Mapping[int, ShopperState]) -> list[Marker]:
    """Return whose track this may be else: a text at the hips, and lines to those who are on show."""
    pairs = zip(state.candidate_ids, state.candidate_probabilities, strict=True)
    candidates = [(i, p) for i, p in pairs if p >= LEAST_CANDIDATE]
    others = [i for i, _ in candidates if i != state.track_id]
    if not others:
        return []
    x, y, hips = float(state.mean[0]), float(state.mean[1]), float(np.clip(state.mean[4], 0.5, 2.3)) / 2
    text = make_marker("identity", state.track_id, Marker.TEXT_VIEW_FACING, (0.0, 0.0, 0.13), AMBIGUOUS_COLOUR)
    text.pose.position = point(x, y, hips)
    text.text = " or ".join(f"{short_name(i)}: {100 * p:.0f} %" for i, p in candidates)
    markers = [text]
    reachable = [drawn[i] for i in others if i in drawn]
    if reachable:
        lines = make_marker("identity_links", state.track_id, Marker.LINE_LIST, (0.025, 0.0, 0.0), AMBIGUOUS_COLOUR)
        for other in reachable:
            lines.points += [point(x, y, hips), point(other.mean[0], other.mean[1], hips)]
        markers.append(lines)
    return markers


def _views(state: ShopperState, places: Mapping[str, np.ndarray]) -> list[Marker]:
    """Return a thin line from every camera that is bound to the shopper to his chest."""
    bound = [places[camera_id] for camera_id in state.views if camera_id in places]
    if not bound:
        return []
    lines = make_marker("views", state.track_id, Marker.LINE_LIST, (0.008, 0.0, 0.0), (*_colour(state), 0.45))
    chest = point(state.mean[0], state.mean[1], 0.75 * float(np.clip(state.mean[4], 0.5, 2.3)))
    for place in bound:
        lines.points += [point(*place), chest]
    return [lines]
