"""Matchers of the actions that run processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def matches_action(target_action: Any) -> Callable[[Any], bool]:
    """Match the given action."""
    return lambda action: action is target_action


def _matches_detail(predicate: Callable[[dict[str, Any]], bool]) -> Callable[[Any], bool]:
    def matches(action: Any) -> bool:
        details = getattr(action, "process_details", None)
        return details is not None and predicate(details)

    return matches


def matches_name(name: str) -> Callable[[Any], bool]:
    """Match the action whose process has that unique name."""
    return _matches_detail(lambda details: details["name"] == name)


def matches_pid(pid: int) -> Callable[[Any], bool]:
    """Match the action whose process has that id."""
    return _matches_detail(lambda details: details["pid"] == pid)


def matches_executable(executable: str) -> Callable[[Any], bool]:
    """Match actions that run a program of that file name."""
    return _matches_detail(lambda details: os.path.basename(details["cmd"][0]) == executable)
