"""A program with its arguments and surroundings."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from ..action import Action
    from ..launch_context import LaunchContext

_process_counter = itertools.count(1)

Environment = Mapping[SomeSubstitutionsType, SomeSubstitutionsType]


class Executable:
    """Describes a process to be run; `prepare` makes the ``final_*`` properties from it.

    Each item of `cmd` (which may itself be a list that is joined) is one argument. `prefix` is split as a shell would
    and put in front; without one, the launch configuration ``launch-prefix`` is used for programs that
    ``launch-prefix-filter`` matches. `env` replaces the environment, `additional_env` adds to it.
    """

    def __init__(self, *, cmd: Iterable[SomeSubstitutionsType], prefix: SomeSubstitutionsType | None = None,
                 name: SomeSubstitutionsType | None = None, cwd: SomeSubstitutionsType | None = None,
                 env: Environment | None = None, additional_env: Environment | None = None,
                 arguments: Iterable[SomeSubstitutionsType] | None = None) -> None:
        parts = [cmd] if isinstance(cmd, (str, Substitution)) else cmd
        self.__cmd = [normalize_to_list_of_substitutions(part) for part in parts]
        self.__arguments = [normalize_to_list_of_substitutions(part) for part in arguments or ()]
        self.__cmd += self.__arguments
        self.__prefix = _optional(prefix)
        self.__name = _optional(name)
        self.__cwd = _optional(cwd)
        self.__env = _normalize_environment(env)
        self.__additional_env = _normalize_environment(additional_env)
        self.__final_cmd: list[str] | None = None
        self.__final_name: str | None = None
        self.__final_cwd: str | None = None
        self.__final_env: dict[str, str] | None = None

    @property
    def name(self):
        """Name as given."""
        return self.__name

    @property
    def prefix(self):
        """Prefix as given."""
        return self.__prefix

    @property
    def cmd(self) -> list[list[Substitution]]:
        """Command line as given; subclasses may extend the list before `prepare`."""
        return self.__cmd

    @property
    def arguments(self) -> list[list[Substitution]]:
        """The arguments given apart from `cmd`."""
        return self.__arguments

    @property
    def cwd(self):
        """Working directory as given."""
        return self.__cwd

    @property
    def env(self):
        """Environment as given: pairs of substitutions."""
        return self.__env

    @property
    def additional_env(self):
        """Additional environment as given: pairs of substitutions."""
        return self.__additional_env

    @property
    def final_name(self) -> str | None:
        """Name with a number that makes it unique."""
        return self.__final_name

    @property
    def final_cmd(self) -> list[str] | None:
        """Command line with the prefix."""
        return self.__final_cmd

    @property
    def final_cwd(self) -> str | None:
        """Working directory."""
        return self.__final_cwd

    @property
    def final_env(self) -> dict[str, str] | None:
        """Whole environment of the process."""
        return self.__final_env

    def prepare(self, context: LaunchContext, action: Action | None) -> None:
        """Perform all substitutions; `action` is the one that will run the process."""
        cmd = [perform_substitutions(context, part) for part in self.__cmd]
        name = os.path.basename(cmd[0]) if self.__name is None else perform_substitutions(context, self.__name)
        self.__final_cmd = self.__prefix_of(context, cmd) + cmd
        self.__final_name = f"{name}-{next(_process_counter)}"
        self.__final_cwd = None if self.__cwd is None else perform_substitutions(context, self.__cwd)
        env = dict(context.environment) if self.__env is None else _perform_environment(context, self.__env)
        self.__final_env = {**env, **_perform_environment(context, self.__additional_env or [])}

    def __prefix_of(self, context: LaunchContext, cmd: list[str]) -> list[str]:
        if self.__prefix is not None:
            return shlex.split(perform_substitutions(context, self.__prefix))
        wanted = context.launch_configurations.get("launch-prefix-filter")
        if wanted is not None and not re.match(wanted, os.path.basename(cmd[0])):
            return []
        return shlex.split(context.launch_configurations.get("launch-prefix", ""))


def _optional(value: SomeSubstitutionsType | None) -> list[Substitution] | None:
    return None if value is None else normalize_to_list_of_substitutions(value)


def _normalize_environment(env: Environment | None) -> list[tuple[list[Substitution], list[Substitution]]] | None:
    if env is None:
        return None
    return [(normalize_to_list_of_substitutions(k), normalize_to_list_of_substitutions(v)) for k, v in env.items()]


def _perform_environment(context: LaunchContext, pairs: list) -> dict[str, str]:
    return {perform_substitutions(context, key): perform_substitutions(context, value) for key, value in pairs}
