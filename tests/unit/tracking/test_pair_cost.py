import numpy as np
import pytest

from walkout.evaluation.made_crowd import MadeCrowd
from walkout.tracking import filter as shopper_filter
from walkout.tracking.filter import pair_cost
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.view import ROWS, View

FAR = 100.0


@pytest.mark.parametrize("seed", [3, 4])
def test_only_pairs_out_of_the_question_get_a_bound_instead_of_their_misfit(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = MadeCrowd(20, 4, seed)
    rng = np.random.default_rng(seed)
    view = View(crowd.cameras[0], TrackerParameters())
    detections = next(d for d in crowd.frames(1.0) if d.camera_id == view.camera.camera_id)
    places = np.array(crowd.places) + rng.normal(0, 0.3, (20, 2))
    bodies = np.column_stack([places, rng.uniform(1.5, 1.9, 20)])
    roots = rng.normal(0, 1, (20, 3, 3)) * rng.uniform(0.01, 0.1, (20, 1, 1))
    covariance = roots @ roots.swapaxes(1, 2) + 1e-4 * np.eye(3)
    observations, prediction = view.observe(detections), view.predict(bodies)
    seen = np.ones((20, ROWS), np.bool_)
    short, rows = pair_cost(view, covariance, prediction, observations, seen, np.zeros(20), 2.0)
    monkeypatch.setattr(shopper_filter, "_HOPELESS", np.inf)
    whole, _ = pair_cost(view, covariance, prediction, observations, seen, np.zeros(20), 2.0)
    bounded = short != whole
    assert 0.1 < bounded.mean() < 0.9
    assert (short[bounded] >= FAR + 4.5 * rows[bounded]).all()
    assert (short <= whole).all()
