"""When an action has done its work."""

from __future__ import annotations

from ..events import ExecutionComplete
from .on_action_event_base import OnActionEventBase


class OnExecutionComplete(OnActionEventBase):
    """Handles `ExecutionComplete` of `target_action` (an action, a predicate of actions, or None for all)."""

    def __init__(self, *, target_action=None, on_completion, **kwargs) -> None:
        from ..action import Action
        super().__init__(action_matcher=target_action, on_event=on_completion, target_event_cls=ExecutionComplete,
                         target_action_cls=Action, **kwargs)
