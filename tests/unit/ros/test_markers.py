import numpy as np
from visualization_msgs.msg import Marker

from walkout.ros.shopper_markers import ShopperMarkers
from walkout.ros.store_markers import store_markers
from walkout.store.loader import load_store
from walkout.tracking.types import Shoppers, ShopperState, TrackState

LIST_TYPES = (Marker.CUBE_LIST, Marker.SPHERE_LIST, Marker.LINE_LIST, Marker.LINE_STRIP)


def assert_clean(markers):
    """What RViz rejects or warns about: duplicate ids, zero scales, NaN, quaternions that are not unit, empty lists."""
    names = [(marker.ns, marker.id) for marker in markers]
    assert len(names) == len(set(names))
    for marker in markers:
        if marker.action == Marker.DELETE:
            continue
        pose, scale = marker.pose, marker.scale
        values = [pose.position.x, pose.position.y, pose.position.z, scale.x, scale.y, scale.z]
        values += [value for p in marker.points for value in (p.x, p.y, p.z)]
        assert np.isfinite(values).all(), marker.ns
        q = pose.orientation
        assert abs(np.linalg.norm([q.x, q.y, q.z, q.w]) - 1) < 1e-6, marker.ns
        assert marker.color.a > 0
        assert marker.header.frame_id == "store"
        if marker.type == Marker.TEXT_VIEW_FACING:
            assert scale.z > 0
            assert marker.text
        elif marker.type in (Marker.LINE_LIST, Marker.LINE_STRIP):
            assert scale.x > 0
        else:
            assert min(scale.x, scale.y, scale.z) > 0, marker.ns
        if marker.type in LIST_TYPES:
            assert marker.points, marker.ns
            assert len(marker.colors) in (0, len(marker.points))


def make_shopper(track_id, state=TrackState.CONFIRMED, wrists=True):
    keypoints = np.full((12, 3), np.nan)
    if wrists:
        keypoints[:8] = np.linspace((1, 1, 1.7), (1.2, 1.1, 1.0), 8)
    return ShopperState(
        track_id, state, 1.0, np.array([1, 1, 0, 0, 1.7]), np.eye(5), keypoints, np.full(12, 0.05), 0.0, from_entry=True
    )


def test_store_markers_are_clean_and_stable():
    for name in ("corner", "kiosk"):
        store = load_store(name)
        first, second = store_markers(store), store_markers(store)
        assert_clean(first.markers)
        assert first == second
        facings = [marker for marker in first.markers if marker.ns == "facings"]
        assert len(facings) == 1
        assert len(facings[0].points) == len(store.facings)


def test_shoppers_who_leave_are_deleted_one_by_one():
    draw = ShopperMarkers(2.0)
    first = draw.update(Shoppers(1, (make_shopper(1), make_shopper(2, wrists=False)))).markers
    assert_clean(first)
    second = draw.update(Shoppers(2, (make_shopper(2, wrists=False),))).markers
    assert_clean(second)
    gone = {(marker.ns, marker.id) for marker in second if marker.action == Marker.DELETE}
    assert gone == {(marker.ns, marker.id) for marker in first if marker.id == 1}
    assert all(marker.action != Marker.DELETEALL for marker in second)
    assert {marker.action for marker in draw.clear().markers} == {Marker.DELETE}
    assert draw.clear().markers == []


def test_tentative_and_closed_tracks_are_not_drawn():
    draw = ShopperMarkers(2.0)
    states = (make_shopper(1, TrackState.TENTATIVE), make_shopper(2, TrackState.CLOSED))
    assert draw.update(Shoppers(1, states)).markers == []


def test_labels_are_drawn_above_the_head():
    (label,) = ShopperMarkers(0.0).labels(Shoppers(1, (make_shopper(1), make_shopper(2))), {1: "2 items"}).markers
    assert (label.text, label.ns, label.id) == ("2 items", "label", 1)
    assert label.pose.position.z > 1.7
