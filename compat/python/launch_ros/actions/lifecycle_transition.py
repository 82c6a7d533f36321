"""Take lifecycle nodes through transitions."""

from __future__ import annotations

from collections.abc import Iterable

from launch.action import Action
from launch.actions import EmitEvent, LogInfo, RegisterEventHandler
from launch.event import Event
from launch.event_handler import EventHandler
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from ..events import matches_node_name
from ..events.lifecycle import ChangeState, StateTransition

#: Label of the state each transition of lifecycle_msgs/msg/Transition leads to.
_GOAL_STATES = {0: "unconfigured", 1: "inactive", 2: "unconfigured", 3: "active", 4: "inactive", 5: "finalized",
                6: "finalized", 7: "finalized"}


class LifecycleTransition(Action):
    """Ask every named node for the transitions one after the other, each when the one before has succeeded."""

    def __init__(self, *, lifecycle_node_names: Iterable[SomeSubstitutionsType],
                 transition_ids: Iterable[int | SomeSubstitutionsType], **kwargs) -> None:
        super().__init__(**kwargs)
        self.__names = [normalize_to_list_of_substitutions(name) for name in lifecycle_node_names]
        self.__transitions = [normalize_to_list_of_substitutions(str(t) if isinstance(t, int) else t)
                              for t in transition_ids]
        if not self.__names:
            raise ValueError("LifecycleTransition needs at least one lifecycle node name")
        if not self.__transitions:
            raise ValueError("LifecycleTransition needs at least one transition id")

    def execute(self, context) -> list[Action]:
        """Return the handlers that lead from transition to transition, and what asks for the first."""
        ids = [_transition_id(perform_substitutions(context, transition)) for transition in self.__transitions]
        actions: list[Action] = []
        for substitutions in self.__names:
            name = perform_substitutions(context, substitutions)
            steps = [EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_node_name(name), transition_id=i))
                     for i in ids]
            done = LogInfo(msg=f"Lifecycle node '{name}' has reached the state '{_GOAL_STATES[ids[-1]]}'")
            actions += [RegisterEventHandler(_when_reached(name, _GOAL_STATES[i], then))
                        for i, then in zip(ids, [*steps[1:], done], strict=True)]
            actions.append(steps[0])
        return actions


def _when_reached(name: str, state: str, then: Action) -> EventHandler:
    is_node = matches_node_name(name)

    def matches(event: Event) -> bool:
        return isinstance(event, StateTransition) and is_node(event.action) and event.goal_state == state

    return EventHandler(matcher=matches, entities=then, handle_once=True)


def _transition_id(text: str) -> int:
    if not text.isdigit() or int(text) not in _GOAL_STATES:
        raise ValueError(f"LifecycleTransition: unknown transition id '{text}', expected one of "
                         f"{', '.join(map(str, _GOAL_STATES))} as in lifecycle_msgs/msg/Transition")
    return int(text)
