"""When a lifecycle node has changed its state."""

from __future__ import annotations

from launch.event import Event
from launch.event_handler import EventHandler
from launch.some_entities_type import SomeEntitiesType

from ..events.lifecycle import StateTransition


class OnStateTransition(EventHandler):
    """Visits `entities` upon a transition; what is not given (node, transition, states by label) may be any."""

    def __init__(self, *, entities: SomeEntitiesType, target_lifecycle_node=None, transition: str | None = None,
                 start_state: str | None = None, goal_state: str | None = None, **kwargs) -> None:
        from ..actions import LifecycleNode
        if target_lifecycle_node is not None and not isinstance(target_lifecycle_node, LifecycleNode):
            raise RuntimeError(f"OnStateTransition: the target must be a LifecycleNode, got {target_lifecycle_node!r}")
        wanted = {"transition": transition, "start_state": start_state, "goal_state": goal_state}

        def matches(event: Event) -> bool:
            return (isinstance(event, StateTransition)
                    and (target_lifecycle_node is None or event.action is target_lifecycle_node)
                    and all(label is None or getattr(event, key) == label for key, label in wanted.items()))

        super().__init__(matcher=matches, entities=entities, **kwargs)
        self.__description = ", ".join(f"{key} == '{label}'" for key, label in wanted.items() if label is not None)

    @property
    def matcher_description(self) -> str:
        """Which events are matched, for people."""
        return f"event is StateTransition{' and ' if self.__description else ''}{self.__description}"
