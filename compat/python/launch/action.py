"""The base of actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .condition import Condition
from .launch_description_entity import LaunchDescriptionEntity

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class Action(LaunchDescriptionEntity):
    """Something to be executed when its condition, if any, is met."""

    def __init__(self, *, condition: Condition | None = None) -> None:
        self.__condition = condition

    @staticmethod
    def parse(entity, parser):
        """Return kwargs from a front end's entity: the attributes that every action understands."""
        from .conditions import IfCondition, UnlessCondition
        if_value = entity.get_attr("if", optional=True)
        unless_value = entity.get_attr("unless", optional=True)
        if if_value is not None and unless_value is not None:
            raise RuntimeError("'if' and 'unless' can't be used on the same entity")
        kwargs = {}
        if if_value is not None:
            kwargs["condition"] = IfCondition(predicate_expression=parser.parse_substitution(if_value))
        if unless_value is not None:
            kwargs["condition"] = UnlessCondition(predicate_expression=parser.parse_substitution(unless_value))
        return Action, kwargs

    @property
    def condition(self) -> Condition | None:
        """The condition of execution, if any."""
        return self.__condition

    def describe(self) -> str:
        """One-line description for people."""
        return f"{type(self).__name__}()"

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """Entities executed with this one; shown as conditional ones when a condition guards the action."""
        return []

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """Sub-entities of an unconditional action."""
        return self.get_sub_entities() if self.__condition is None else []

    def describe_conditional_sub_entities(self) -> list[tuple[str, list[LaunchDescriptionEntity]]]:
        """Sub-entities of a conditional action."""
        if self.__condition is None:
            return []
        return [("Conditionally included by " + self.describe(), self.get_sub_entities())]

    def visit(self, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        """Execute if the condition allows; announce `ExecutionComplete` to whoever listens for it."""
        if self.__condition is not None and not self.__condition.evaluate(context):
            return None
        try:
            return self.execute(context)
        finally:
            self.__announce_completion(context)

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        """Do the action; return entities to visit next, or None. Overridden by subclasses."""
        return None

    def __announce_completion(self, context: LaunchContext) -> None:
        from .events import ExecutionComplete
        event = ExecutionComplete(action=self)
        if not context.would_handle_event(event):
            return
        future = self.get_asyncio_future()
        if future is None:
            context.emit_event_sync(event)
        else:
            future.add_done_callback(lambda _: context.emit_event_sync(event))
