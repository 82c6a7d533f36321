"""Leaked shared memory is found by its lock: what lives is never touched."""

from __future__ import annotations

import fcntl

import pytest

from walkout.ros.shared_memory import clean, leaked_segments, size_of

SEGMENT = "fastrtps_0123456789abcdef"


@pytest.fixture
def segment(tmp_path):
    path = tmp_path / SEGMENT
    path.write_bytes(b"x" * 1000)
    (tmp_path / f"{SEGMENT}_el").touch()
    return path


def test_a_segment_without_owner_is_found_and_removed(tmp_path, segment):
    (tmp_path / "fastrtps_port7400_el").touch()
    (tmp_path / "something_else").touch()
    assert size_of(leaked_segments(tmp_path, 0.0)) == (1, 1000)
    assert clean(tmp_path, 0.0) == (1, 1000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fastrtps_port7400_el", "something_else"]


def test_a_segment_whose_owner_lives_stays(tmp_path, segment):
    with (tmp_path / f"{SEGMENT}_el").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert clean(tmp_path, 0.0) == (0, 0)
        assert segment.exists()
    assert clean(tmp_path, 0.0) == (1, 1000)


def test_a_segment_that_has_just_been_made_stays(tmp_path, segment):
    assert clean(tmp_path, 60.0) == (0, 0)
    assert segment.exists()


def test_no_shared_memory_at_all_is_nothing_to_clean(tmp_path):
    assert clean(tmp_path / "none") == (0, 0)
