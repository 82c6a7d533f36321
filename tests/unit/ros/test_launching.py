"""What the launch files share: what happens when a node ends."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from walkout.ros import launching
from walkout.ros.runtime import EXIT_INPUT

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
