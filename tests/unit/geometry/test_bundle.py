import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from walking_people import perturbed, room, walk

from walkout.geometry.boards import CalibrationError
from walkout.geometry.bordered import Bordered
from walkout.geometry.bundle import KnownPoints, adjust
from walkout.geometry.camera import in_image, project
from walkout.geometry.path_knots import Knots
from walkout.geometry.pose_from_markers import pose_difference


def errors(results, truth):
    return np.array([pose_difference(r.camera, c) for r, c in zip(results, truth, strict=True)])


def floor_corners(camera, index, rng):
    """Return what a camera sees of four markers of 20 cm on the floor."""
    square = np.array([[-0.1, 0.1, 0], [0.1, 0.1, 0], [0.1, -0.1, 0], [-0.1, -0.1, 0]])
    points = np.concatenate([square + np.array([x, y, 0]) for x, y in [(3, 2.5), (5, 3.5), (4, 1.5), (3, 4)]])
    pixels, _ = project(camera, points)
    seen = in_image(camera, pixels)
    return KnownPoints(index, points[seen], pixels[seen] + rng.normal(0, 0.4, (seen.sum(), 2)))


def test_walkers_and_two_cameras_with_markers_place_all_cameras():
    truth, rng = room(), np.random.default_rng(31)
    known = [floor_corners(truth[i], i, rng) for i in (0, 2)]
    results = adjust([perturbed(c, rng) for c in truth], known, walk(truth, 32, 20.0))
    wrong = errors(results, truth)
    assert wrong[:, 0].max() < 0.02
    assert wrong[:, 1].max() < 0.25
    assert sum(r.outliers for r in results) > 100
    for result, (metres, degrees) in zip(results, wrong, strict=True):
        assert metres < 3 * result.sd_m
        assert degrees < 3 * result.sd_deg


def test_walkers_alone_make_the_cameras_agree():
    truth, rng = room(), np.random.default_rng(33)
    given = [perturbed(c, rng) for c in truth]
    results = adjust(given, [], walk(truth, 34, 20.0))
    wrong = errors(results, truth)
    assert wrong[:, 1].max() < 0.5  # was 2
    assert np.median(wrong[:, 0]) < 0.035  # the store's frame is known only as well as five of six cameras agree on it
    # Between each other they are better: the distances of all pairs.
    place = np.array([r.camera.position for r in results]), np.array([c.position for c in truth])
    apart = [np.linalg.norm(p[:, None] - p[None], axis=2) for p in place]
    before = np.array([c.position for c in given])
    worst_before = np.abs(np.linalg.norm(before[:, None] - before[None], axis=2) - apart[1]).max()
    assert np.abs(apart[0] - apart[1]).max() < 0.6 * worst_before


def test_the_same_sightings_give_the_same_poses():
    truth, rng = room(3), np.random.default_rng(35)
    given, seen = [perturbed(c, rng) for c in truth], walk(truth, 36, 8.0, walkers=1)
    first, second = adjust(given, [], seen), adjust(given, [], seen)
    assert all(np.array_equal(a.camera.position, b.camera.position) for a, b in zip(first, second, strict=True))


def test_a_camera_of_which_nothing_is_known_is_named():
    truth = room(3)
    seen = walk(truth, 37, 5.0, walkers=1)
    with pytest.raises(CalibrationError, match=r"camera c2: sees no marker and shares only 0 sightings.*--cameras"):
        adjust(truth, [], seen.take(seen.camera != 2))


def test_cameras_that_look_apart_are_told_so():
    truth = room(2)
    seen = walk(truth, 38, 20.0, walkers=1)
    away = [perturbed(c, np.random.default_rng(n), 0.01, 150.0) for n, c in enumerate(truth)]
    with pytest.raises(CalibrationError, match=r"do not meet anywhere|leaves the cameras' poses open"):
        adjust(away, [], seen)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 4), st.integers(1, 12))
def test_the_bordered_solution_is_the_dense_one(seed, head, knots):
    rng = np.random.default_rng(seed)
    size = head + 3 * knots + 1
    dense = np.zeros((size, size))
    for start in range(max(knots - 2, 1)):
        used = [*range(head), *range(head + 3 * start, min(head + 3 * start + 9, size - 1)), size - 1]
        rows = rng.normal(size=(12, len(used)))
        dense[np.ix_(used, used)] += rows.T @ rows
    dense += np.eye(size)
    right = rng.normal(size=size)
    solver = Bordered(csr_matrix(dense), head, 1)
    assert np.allclose(solver.solve(right), np.linalg.solve(dense, right), atol=1e-4)
    shared = [*range(head), size - 1]
    assert np.allclose(np.linalg.inv(solver.schur), np.linalg.inv(dense)[np.ix_(shared, shared)], atol=1e-4)


def test_paths_are_straight_between_knots_and_cut_at_gaps():
    stamp = np.array([0.0, 0.1, 0.2, 0.3, 5.0, 5.1, 0.05])
    path = np.array([0, 0, 0, 0, 0, 0, 1])
    knots = Knots(path, stamp, frozenset({1}), 0.1, 1.0)
    assert len(knots.floor) == 2
    values = np.zeros((knots.count, 3))
    values[:5, 0] = 2.0 * np.arange(5) * 0.1
    assert np.allclose(knots.points(values)[:4, 0], [0.0, 0.2, 0.4, 0.6])
    assert len(set(knots.first[:4]) & set(knots.first[4:6])) == 0
    assert all(set(t) <= set(range(5)) or min(t) >= 5 for t in knots.triples.tolist())
