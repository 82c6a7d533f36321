import numpy as np
import pytest

from walkout.geometry.transforms import apply, matrix_from_quaternion, transform
from walkout.store.frames import static_frames
from walkout.store.loader import load_store


@pytest.fixture(scope="module", params=["corner", "kiosk"])
def store(request):
    return load_store(request.param)


@pytest.fixture(scope="module")
def poses(store):
    """The transform of every frame into the store frame, composed along the tree; parents must come first."""
    known = {"store": np.eye(4)}
    for frame in static_frames(store):
        assert frame.name not in known, "every frame once"
        known[frame.name] = known[frame.parent] @ transform(matrix_from_quaternion(frame.quaternion), frame.translation)
    return known


def test_every_thing_of_the_store_has_its_frame(store, poses):
    expected = 1 + len(store.fixtures) + 2 * len(store.cameras) + len(store.zones)
    expected += sum(1 + len(shelf.lanes) for fixture in store.fixtures for shelf in fixture.shelves)
    assert len(poses) == expected


def test_lane_frames_are_where_the_model_says(store, poses):
    for site in store.lane_sites.values():
        assert np.allclose(poses[site.frame_id], site.transform)


def test_optical_frames_are_the_cameras(store, poses):
    for camera in store.cameras:
        optical = poses[camera.frame_id]
        assert np.allclose(optical, transform(camera.rotation, camera.position))
        body = poses[f"camera_{camera.camera_id}"]
        assert np.allclose(body[:3, 0], camera.rotation[:, 2]), "the body's x axis looks forward"
        assert body[2, 2] > 0, "the body's z axis points up"


def test_fixture_fronts_and_their_right_hand_side(store, poses):
    """A shopper who faces a fixture sees its y axis grow to the right."""
    for fixture in store.fixtures:
        pose = poses[fixture.frame_id]
        front, y_axis, up = apply(pose, [1, 0, 0]) - pose[:3, 3], pose[:3, 1], np.array([0, 0, 1])
        right_of_shopper = np.cross(-front, up)
        assert np.allclose(right_of_shopper, y_axis)


def test_zone_frames_lie_in_their_zones(store, poses):
    for zone in store.zones:
        corners = np.array(zone.polygon)
        assert (poses[f"zone_{zone.zone_id}"][:2, 3] > corners.min(axis=0)).all()
        assert (poses[f"zone_{zone.zone_id}"][:2, 3] < corners.max(axis=0)).all()
