"""Markers of the shoppers: body, hands and the label with the cart. Stable ids, explicit DELETE, never DELETEALL."""

from __future__ import annotations

import numpy as np
from rclpy.duration import Duration
from visualization_msgs.msg import Marker, MarkerArray

from walkout.ros.stamps import to_time
from walkout.ros.store_markers import TEXT_COLOUR, hue_colour, make_marker, point, rgba
from walkout.tracking.types import Shoppers, ShopperState, TrackState

LEFT_WRIST, RIGHT_WRIST = 6, 7
BONES = ((1, 2), (1, 3), (2, 4), (4, 6), (3, 5), (5, 7), (1, 8), (1, 9), (8, 10), (9, 11), (0, 1))
BODY_RADIUS = 0.22
UNKNOWN_COLOUR = (0.55, 0.55, 0.58)


class ShopperMarkers:
    """Remembers which markers are on show, to delete exactly those whose shopper is gone."""

    def __init__(self, lifetime_s: float) -> None:
        """``lifetime_s`` makes markers vanish by themselves when the publisher dies; 0 is for ever."""
        self._lifetime = Duration(seconds=lifetime_s).to_msg()
        self._shown: set[tuple[str, int]] = set()

    def update(self, shoppers: Shoppers) -> MarkerArray:
        """Return the markers of these shoppers and the deletions of those who left."""
        markers = []
        for state in shoppers.shoppers:
            if state.state in (TrackState.CONFIRMED, TrackState.LOST):
                markers += _shopper(state)
        return self._finish(markers, shoppers.stamp_ns)

    def labels(self, shoppers: Shoppers, texts: dict[int, str]) -> MarkerArray:
        """Return the text above each shopper of ``texts`` (by track id)."""
        markers = []
        for state in shoppers.shoppers:
            text = texts.get(state.track_id)
            if text and state.state in (TrackState.CONFIRMED, TrackState.LOST):
                marker = make_marker("label", state.track_id, Marker.TEXT_VIEW_FACING, (0.0, 0.0, 0.16), TEXT_COLOUR)
                marker.pose.position = point(state.mean[0], state.mean[1], float(state.mean[4]) + 0.25)
                marker.text = text
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
    colour = hue_colour(f"shopper {state.track_id}", 0.65, 0.85) if state.from_entry else UNKNOWN_COLOUR
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
