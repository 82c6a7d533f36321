"""Actions in a scope of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..action import Action
from ..some_substitutions_type import SomeSubstitutionsType
from .scopes import (
    PopEnvironment,
    PopLaunchConfigurations,
    PushEnvironment,
    PushLaunchConfigurations,
    ResetEnvironment,
    ResetLaunchConfigurations,
)
from .set_launch_configuration import SetLaunchConfiguration


class GroupAction(Action):
    """Execute `actions`; when `scoped`, with launch configurations and environment restored afterwards.

    A scoped group sees the outer configurations and environment unless `forwarding` is off; `launch_configurations`
    are set in addition. As upstream, what timers and event handlers execute later is outside of the scope.
    """

    def __init__(self, actions: Iterable[Action], *, scoped: bool = True, forwarding: bool = True,
                 launch_configurations: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.__actions = actions
        self.__scoped = scoped
        self.__forwarding = forwarding
        self.__launch_configurations = dict(launch_configurations or {})
        self.__steps: list[Action] | None = None

    def get_sub_entities(self) -> list[Action]:
        """The actions with what surrounds them; the same objects at each call."""
        if self.__steps is None:
            self.__steps = self.__make_steps()
        return self.__steps

    def __make_steps(self) -> list[Action]:
        set_configurations: list[Action] = [
            SetLaunchConfiguration(name, value) for name, value in self.__launch_configurations.items()]
        if not self.__scoped:
            return [*set_configurations, *self.__actions]
        if not self.__forwarding:
            # Given values are computed from the outer ones, in the moment these are dropped.
            set_configurations = [ResetEnvironment(), ResetLaunchConfigurations(self.__launch_configurations)]
        return [PushLaunchConfigurations(), PushEnvironment(), *set_configurations, *self.__actions, PopEnvironment(),
                PopLaunchConfigurations()]

    def execute(self, context) -> list[Action]:
        """Return the actions to be visited."""
        return self.get_sub_entities()
