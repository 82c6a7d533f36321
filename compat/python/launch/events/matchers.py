"""Matchers for events about processes."""

from __future__ import annotations

import os
from collections.abc import Callable

from ..event import Event


def matches_action(target_action) -> Callable[[Event], bool]:
    """Match events of the given action."""
    return lambda event: getattr(event, "action", None) is target_action


def matches_name(name: str) -> Callable[[Event], bool]:
    """Match events of the process called `name`."""
    return lambda event: getattr(event, "process_name", None) == name


def matches_pid(pid: int) -> Callable[[Event], bool]:
    """Match events of the process with that process id."""
    return lambda event: getattr(event, "pid", None) == pid


def matches_executable(name: str) -> Callable[[Event], bool]:
    """Match events of processes whose executable's file name is `name`."""
    return lambda event: bool(getattr(event, "cmd", None)) and os.path.basename(event.cmd[0]) == name
