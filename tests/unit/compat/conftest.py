"""What the tests of the stand-ins share."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _logs_in_a_temporary_folder(tmp_path_factory):
    """Keep launch from writing logs into the user's home."""
    before = os.environ.get("ROS_LOG_DIR")
    os.environ["ROS_LOG_DIR"] = str(tmp_path_factory.mktemp("ros_log"))
    yield
    if before is None:
        del os.environ["ROS_LOG_DIR"]
    else:
        os.environ["ROS_LOG_DIR"] = before
