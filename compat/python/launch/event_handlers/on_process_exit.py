"""When a process has exited."""

from __future__ import annotations

from ..events.process import ProcessExited
from .on_action_event_base import OnActionEventBase


class OnProcessExit(OnActionEventBase):
    """Handles `ProcessExited` of `target_action` (an action, a predicate of actions, or None for all)."""

    def __init__(self, *, target_action=None, on_exit, **kwargs) -> None:
        from ..actions import ExecuteLocal
        super().__init__(action_matcher=target_action, on_event=on_exit, target_event_cls=ProcessExited,
                         target_action_cls=ExecuteLocal, **kwargs)
