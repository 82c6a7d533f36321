"""What the launch files share: what happens when a node ends."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from walkout.ros import launching
from walkout.ros.runtime import EXIT_INPUT
from walkout.store.loader import load_store

RUNNING, ENDING = SimpleNamespace(is_shutdown=False), SimpleNamespace(is_shutdown=True)


@pytest.mark.parametrize(
    ("essential", "code", "context", "ends"),
    [
        (False, -9, RUNNING, False),
        (False, 1, RUNNING, False),
        (False, EXIT_INPUT, RUNNING, True),
        (False, EXIT_INPUT, ENDING, False),
        (True, -9, RUNNING, True),
        (True, 0, ENDING, False),
    ],
)
def test_a_node_that_ends_is_started_again_unless_that_would_not_help(essential, code, context, ends):
    found = launching._ending("tracker", essential)(SimpleNamespace(returncode=code), context)
    assert bool(found) == ends


def test_the_end_of_the_launch_names_the_node():
    with pytest.raises(launching.LaunchError, match="tracker has ended; the store cannot run without it"):
        launching._end_launch(RUNNING, "tracker")


def test_each_missing_model_is_named_with_its_remedy(monkeypatch, tmp_path):
    store = load_store("corner")
    (tmp_path / "shopper_detector.onnx").touch()
    monkeypatch.setattr(launching, "find_model", lambda name: tmp_path / name)
    with pytest.raises(launching.LaunchError, match=r"arm_finder\.onnx: the model is missing.*walkout train arms"):
        launching.driver_nodes(store, ["c1"], "nodes", {}, True)
    (tmp_path / "shopper_detector.onnx").unlink()
    with pytest.raises(launching.LaunchError, match=r"shopper_detector\.onnx: the model is missing.*train detector"):
        launching.driver_nodes(store, ["c1"], "nodes", {}, True)
