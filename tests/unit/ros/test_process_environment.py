"""What nodes are given to carry pictures well, and whose word counts."""

from pathlib import Path

from walkout.ros import launching
from walkout.ros.process_environment import KEEP_MEMORY, PROFILES, node_environment


def test_a_node_keeps_memory_and_has_room_for_pictures() -> None:
    assert node_environment(Path("p.xml"), {}) == {**KEEP_MEMORY, PROFILES: "p.xml"}


def test_what_the_user_has_set_stays() -> None:
    given = node_environment(Path("p.xml"), {"MALLOC_ARENA_MAX": "4", PROFILES: "mine.xml"})
    assert "MALLOC_ARENA_MAX" not in given
    assert PROFILES not in given


def test_every_node_of_a_launch_file_gets_it(monkeypatch) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    for node in (launching.core_node("gate", {}), launching.leaf_node("camera_driver", {}, "c")):
        names = ["".join(part.text for part in name) for name, _ in node.additional_env]
        assert "MALLOC_ARENA_MAX" in names
