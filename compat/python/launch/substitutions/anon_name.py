"""A name made unique."""

from __future__ import annotations

import os
import re
import socket
import time

from ..frontend.expose import expose_substitution
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


@expose_substitution("anon")
class AnonName(Substitution):
    """Stands for ``<name>_<host>_<pid>_<time>``; the same name gives the same result throughout a launch."""

    def __init__(self, name: SomeSubstitutionsType) -> None:
        self.__name = normalize_to_list_of_substitutions(name)

    @classmethod
    def parse(cls, data):
        """Read ``$(anon name)``."""
        if len(data) != 1:
            raise TypeError("anon substitution expects 1 argument")
        return cls, {"name": data[0]}

    @property
    def name(self) -> list[Substitution]:
        """The name."""
        return self.__name

    def describe(self) -> str:
        """One-line description for people."""
        return f"AnonName({' + '.join(s.describe() for s in self.__name)})"

    def perform(self, context) -> str:
        """Return the unique name."""
        name = perform_substitutions(context, self.__name)
        key = "anon" + name
        if key not in context.launch_configurations:
            host = re.sub(r"[^A-Za-z0-9_]", "_", socket.gethostname())
            context.launch_configurations[key] = f"{name}_{host}_{os.getpid()}_{time.time_ns() // 1_000_000}"
        return context.launch_configurations[key]
