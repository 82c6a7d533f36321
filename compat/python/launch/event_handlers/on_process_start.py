"""When a process has started."""

from __future__ import annotations

from ..events.process import ProcessStarted
from .on_action_event_base import OnActionEventBase


class OnProcessStart(OnActionEventBase):
    """Handles `ProcessStarted` of `target_action` (an action, a predicate of actions, or None for all)."""

    def __init__(self, *, target_action=None, on_start, **kwargs) -> None:
        from ..actions import ExecuteLocal
        super().__init__(action_matcher=target_action, on_event=on_start, target_event_cls=ProcessStarted,
                         target_action_cls=ExecuteLocal, **kwargs)
