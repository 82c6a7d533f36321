"""The output of a command."""

from __future__ import annotations

import shlex
import subprocess

from ..frontend.expose import expose_substitution
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .substitution_failure import SubstitutionFailure

_ON_STDERR = ("fail", "ignore", "warn", "capture")


@expose_substitution("command")
class Command(Substitution):
    """Stands for the standard output of a command, which is split as a shell would but not run by one.

    `on_stderr`: fail if anything is written to the standard error, ignore it, warn about it, or capture it with the
    output.
    """

    def __init__(self, command: SomeSubstitutionsType, *, on_stderr: SomeSubstitutionsType = "fail") -> None:
        self.__command = normalize_to_list_of_substitutions(command)
        self.__on_stderr = normalize_to_list_of_substitutions(on_stderr)

    @classmethod
    def parse(cls, data):
        """Read ``$(command 'command line' [on_stderr])``."""
        if not 1 <= len(data) <= 2:
            raise TypeError("command substitution expects 1 or 2 arguments")
        kwargs = {"command": data[0]}
        if len(data) == 2:
            kwargs["on_stderr"] = data[1]
        return cls, kwargs

    @property
    def command(self) -> list[Substitution]:
        """The command line."""
        return self.__command

    @property
    def on_stderr(self) -> list[Substitution]:
        """What to do about output on the standard error."""
        return self.__on_stderr

    def describe(self) -> str:
        """One-line description for people."""
        return f"Command({' + '.join(s.describe() for s in self.__command)})"

    def perform(self, context) -> str:
        """Run the command and return its output."""
        text = perform_substitutions(context, self.__command)
        on_stderr = perform_substitutions(context, self.__on_stderr)
        if on_stderr not in _ON_STDERR:
            raise SubstitutionFailure(f"on_stderr must be one of {', '.join(_ON_STDERR)}, got '{on_stderr}'")
        try:
            result = subprocess.run(shlex.split(text), stdout=subprocess.PIPE, text=True, check=False,
                                    stderr=subprocess.STDOUT if on_stderr == "capture" else subprocess.PIPE)
        except FileNotFoundError as error:
            raise SubstitutionFailure(f"file not found: {error}") from error
        if result.returncode != 0:
            raise SubstitutionFailure(
                f"executed command failed. Command: {text}\nCaptured stderr output: {result.stderr}")
        if result.stderr and on_stderr in ("fail", "warn"):
            message = (f"executed command showed stderr output. Command: {text}\n"
                       f"Captured stderr output:\n{result.stderr}")
            if on_stderr == "fail":
                raise SubstitutionFailure(message)
            from .. import logging
            logging.get_logger("launch").warning(message)
        return result.stdout
