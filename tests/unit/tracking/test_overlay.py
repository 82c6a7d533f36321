import dataclasses

import numpy as np
from tracked_scenes import Walker, confirmed, record, room, run

from walkout.geometry.camera import project
from walkout.tracking.overlay import draw_tracks, label_of, track_colour
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.types import Shoppers, TrackState


def snapshot():
    cameras = room()
    walker = Walker(lambda t: (2.0 + 0.4 * t, 2.5))
    snapshots = run(MultiViewTracker(TrackerParameters(), cameras), record([walker], 3.0, cameras=cameras))
    return cameras, snapshots[-1]


def test_a_track_is_drawn_where_the_camera_sees_the_shopper():
    cameras, shoppers = snapshot()
    (state,) = confirmed(shoppers)
    blank = np.zeros((480, 640, 3), np.uint8)
    for camera in cameras:
        drawn = draw_tracks(blank, camera, shoppers)
        rows, columns = np.nonzero(drawn.any(axis=2))
        body = np.array([[*state.mean[:2], z] for z in (0.0, 0.85, 1.7)])
        pixels, _ = project(camera, body)
        assert np.linalg.norm(pixels.mean(axis=0) - (columns.mean(), rows.mean())) < 40
        x, y = np.round(pixels[1]).astype(int)
        assert (drawn[y - 2 : y + 3, x - 2 : x + 3] == track_colour(state.track_id)).all(axis=2).any()
    assert not blank.any()  # the picture that was given is left alone


def test_tentative_and_closed_tracks_are_not_drawn_and_nobody_far_behind_breaks_it():
    cameras, shoppers = snapshot()
    (state,) = confirmed(shoppers)
    blank = np.zeros((480, 640, 3), np.uint8)
    for other in (TrackState.TENTATIVE, TrackState.CLOSED):
        hidden = Shoppers(0, (dataclasses.replace(state, state=other),))
        assert not draw_tracks(blank, cameras[0], hidden).any()
    behind = dataclasses.replace(state, mean=np.array([-50.0, -50.0, 0, 0, 1.7]), keypoints=np.full((12, 3), np.nan))
    assert not draw_tracks(blank, cameras[0], Shoppers(0, (behind,))).any()


def test_labels_tell_doubts():
    _, shoppers = snapshot()
    (state,) = confirmed(shoppers)
    told = dataclasses.replace(
        state,
        track_id=7,
        from_entry=False,
        state=TrackState.LOST,
        candidate_ids=(7, 3),
        candidate_probabilities=(0.6, 0.4),
    )
    assert label_of(told) == "007? lost or 003:40%"
