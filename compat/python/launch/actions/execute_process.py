"""Run a program given by its command line."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from ..descriptions import Executable
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from .execute_local import ExecuteLocal


class ExecuteProcess(ExecuteLocal):
    """Run `cmd` (a list whose items are arguments); the rest is as in `Executable` and `ExecuteLocal`."""

    def __init__(self, *, cmd: Iterable[SomeSubstitutionsType], prefix: SomeSubstitutionsType | None = None,
                 name: SomeSubstitutionsType | None = None, cwd: SomeSubstitutionsType | None = None,
                 env=None, additional_env=None, **kwargs) -> None:
        executable = Executable(cmd=cmd, prefix=prefix, name=name, cwd=cwd, env=env, additional_env=additional_env)
        super().__init__(process_description=executable, **kwargs)

    @classmethod
    def _parse_cmdline(cls, cmd: str, parser) -> list[list[Substitution]]:
        """Split a command line with embedded substitutions into arguments."""
        from ..substitutions import TextSubstitution
        arguments: list[list[Substitution]] = []
        current: list[Substitution] = []
        for substitution in parser.parse_substitution(cmd):
            if not isinstance(substitution, TextSubstitution):
                current.append(substitution)
                continue
            text = substitution.text
            if text[:1].isspace() and current:
                arguments.append(current)
                current = []
            words = shlex.split(text)
            for index, word in enumerate(words):
                current.append(TextSubstitution(text=word))
                if index < len(words) - 1 or text[-1:].isspace():
                    arguments.append(current)
                    current = []
        if current:
            arguments.append(current)
        return arguments

    def describe(self) -> str:
        """One-line description for people."""
        parts = (" + ".join(s.describe() for s in part) for part in self.process_description.cmd)
        return f"{type(self).__name__}(cmd=[{', '.join(parts)}])"

    @property
    def name(self):
        """Unique name once executed, before that the name as given."""
        description = self.process_description
        return description.final_name if description.final_name is not None else description.name

    @property
    def cmd(self):
        """Command line once executed, before that as given."""
        description = self.process_description
        return description.final_cmd if description.final_cmd is not None else description.cmd

    @property
    def cwd(self):
        """Working directory once executed, before that as given."""
        description = self.process_description
        return description.final_cwd if description.final_cmd is not None else description.cwd

    @property
    def env(self):
        """Environment once executed, before that as given."""
        description = self.process_description
        return description.final_env if description.final_env is not None else description.env

    @property
    def additional_env(self):
        """Additional environment as given."""
        return self.process_description.additional_env
