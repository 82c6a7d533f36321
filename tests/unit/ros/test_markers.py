import dataclasses

import numpy as np
import pytest
from visualization_msgs.msg import Marker, MarkerArray

from walkout.ros.marker_lint import STALE_S, MarkerLint
from walkout.ros.shopper_markers import ShopperMarkers
from walkout.ros.store_markers import make_marker, point, store_markers
from walkout.store.loader import load_store
from walkout.tracking.types import Shoppers, ShopperState, TrackState


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
        assert MarkerLint(frozenset({"store"})).check(first) == []
        assert all(marker.header.frame_id == "store" for marker in first.markers)
        assert first == second
        facings = [marker for marker in first.markers if marker.ns == "facings"]
        assert len(facings) == 1
        assert len(facings[0].points) == len(store.facings)


def test_shoppers_who_leave_are_deleted_one_by_one():
    draw = ShopperMarkers(2.0)
    lint = MarkerLint(frozenset({"store"}))
    arrays = [draw.update(Shoppers(1, (make_shopper(1), make_shopper(2, wrists=False))))]
    arrays.append(draw.update(Shoppers(2, (make_shopper(2, wrists=False),))))
    assert [lint.check(array) for array in arrays] == [[], []]
    first, second = (array.markers for array in arrays)
    gone = {(marker.ns, marker.id) for marker in second if marker.action == Marker.DELETE}
    assert gone == {(marker.ns, marker.id) for marker in first if marker.id == 1}
    assert all(marker.action != Marker.DELETEALL for marker in second)
    clear = draw.clear()
    assert {marker.action for marker in clear.markers} == {Marker.DELETE}
    assert lint.check(clear) == []
    assert lint.shown == {}
    assert draw.clear().markers == []


def test_tentative_and_closed_tracks_are_not_drawn():
    draw = ShopperMarkers(2.0)
    states = (make_shopper(1, TrackState.TENTATIVE), make_shopper(2, TrackState.CLOSED))
    assert draw.update(Shoppers(1, states)).markers == []


def test_labels_are_drawn_above_the_head():
    (long,) = ShopperMarkers(0.0).labels(Shoppers(1, (make_shopper(1_795_715_004),)), {1_795_715_004: "1 item"}).markers
    assert (long.text, long.id) == ("004: 1 item", 1_795_715_004)  # short for people; the marker's id stays unique
    (label,) = ShopperMarkers(0.0).labels(Shoppers(1, (make_shopper(1), make_shopper(2))), {1: "2 items"}).markers
    assert (label.text, label.ns, label.id) == ("001: 2 items", "label", 1)
    assert label.pose.position.z > 1.7


def cube(number=0, stamp_s=0):
    marker = make_marker("boxes", number, Marker.CUBE, (1.0, 1.0, 1.0), (1.0, 0.0, 0.0))
    marker.header.stamp.sec = stamp_s
    return marker


def changed(**fields):
    """A cube with attributes set by their dotted names (``pose__orientation__w=0.5``)."""
    marker = cube()
    for name, value in fields.items():
        *path, last = name.split("__")
        part = marker
        for step in path:
            part = getattr(part, step)
        setattr(part, last, value)
    return marker


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        (changed(scale__y=0.0), "scale.y is 0"),
        (changed(scale__x=float("nan")), "scale.x is nan"),
        (changed(pose__position__z=float("inf")), "not finite"),
        (changed(pose__orientation__w=0.5), "norm is 0.500"),
        (changed(pose__orientation__w=float("nan")), "norm is nan"),
        (changed(header__frame_id=""), "no frame"),
        (changed(header__frame_id="shop"), "no frame 'shop'"),
        (changed(color__a=0.0), "invisible"),
        (changed(type=77), "unknown type 77"),
        (changed(action=9), "unknown action 9"),
        (changed(type=Marker.LINE_LIST), "a list without points"),
        (changed(type=Marker.CUBE_LIST, points=[point(0, 0, 0)], colors=[cube().color] * 2), "2 colours for 1 points"),
        (changed(type=Marker.TEXT_VIEW_FACING), "a text without text"),
        (changed(action=Marker.DELETE), "never shown"),
    ],
)
def test_lint_names_each_mistake(marker, message):
    problems = MarkerLint(frozenset({"store"})).check(MarkerArray(markers=[marker]))
    assert len(problems) == 1, problems
    assert message in problems[0]
    assert problems[0].startswith("boxes/0: ")


def test_lint_finds_what_is_there_twice_and_what_was_forgotten():
    lint = MarkerLint()
    assert lint.check(MarkerArray(markers=[cube(), cube()])) == ["boxes/0: twice in one array"]
    late = 100 + int(STALE_S) + 1
    assert lint.check(MarkerArray(markers=[cube(1, 100), cube(2, 100)])) == []
    assert lint.check(MarkerArray(markers=[cube(1, late)])) == ["boxes/2: stale, not updated or deleted for 5 s"]
    ends_itself = cube(3, late)
    ends_itself.lifetime.sec = 1
    assert lint.check(MarkerArray(markers=[ends_itself])) == []
    assert lint.check(MarkerArray(markers=[cube(1, late + 100), ends_itself])) == []


def doubted(track_id, x, candidates, views=()):
    covariance = np.diag([0.04, 0.01, 1.0, 1.0, 0.01])
    covariance[0, 1] = covariance[1, 0] = 0.01
    return dataclasses.replace(
        make_shopper(track_id),
        mean=np.array([x, 1.0, 0, 0, 1.7]),
        covariance=covariance,
        candidate_ids=tuple(i for i, _ in candidates),
        candidate_probabilities=tuple(p for _, p in candidates),
        views=views,
    )


def test_the_ellipse_holds_95_percent_of_the_places():
    state = doubted(1, 2.0, [(1, 1.0)])
    markers = ShopperMarkers(0.0).update(Shoppers(1, (state,))).markers
    (outline,) = [m for m in markers if m.ns == "covariance"]
    ring = np.array([(p.x, p.y) for p in outline.points]) - state.mean[:2]
    inverse = np.linalg.inv(state.covariance[:2, :2])
    assert np.allclose(np.einsum("ni,ij,nj->n", ring, inverse, ring), 5.991)
    assert {m.ns for m in markers} & {"identity", "identity_links", "views"} == set()


def test_doubts_and_bound_cameras_are_drawn_and_deleted_again():
    store = load_store("kiosk")
    draw, lint = ShopperMarkers(2.0, store.cameras), MarkerLint(frozenset({"store"}))
    unsure = doubted(1, 1.0, [(1, 0.7), (2, 0.27), (9, 0.03)], views=("c1", "c3", "gone"))
    first = draw.update(Shoppers(1, (unsure, doubted(2, 2.0, [(2, 1.0)]))))
    assert lint.check(first) == []
    by_name = {(m.ns, m.id): m for m in first.markers}
    assert by_name["identity", 1].text == "001: 70 % or 002: 27 %"
    assert [round(p.x) for p in by_name["identity_links", 1].points] == [1, 2]
    lines = by_name["views", 1].points
    assert len(lines) == 4
    assert np.allclose([lines[0].x, lines[0].y, lines[0].z], store.camera_by_id["c1"].position)
    assert ("views", 2) not in by_name
    second = draw.update(Shoppers(2, (doubted(1, 1.0, [(1, 1.0)]), doubted(2, 2.0, [(2, 1.0)]))))
    assert lint.check(second) == []
    gone = {(m.ns, m.id) for m in second.markers if m.action == Marker.DELETE}
    assert gone == {("identity", 1), ("identity_links", 1), ("views", 1)}


def test_a_covariance_that_is_not_finite_draws_no_ellipse():
    state = dataclasses.replace(doubted(1, 1.0, [(1, 1.0)]), covariance=np.full((5, 5), np.nan))
    markers = ShopperMarkers(0.0).update(Shoppers(1, (state,))).markers
    assert MarkerLint().check(MarkerArray(markers=markers)) == []
    assert "covariance" not in {m.ns for m in markers}
