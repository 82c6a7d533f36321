"""A path that further parts are joined to with ``/``."""

from __future__ import annotations

from ..some_substitutions_type import SomeSubstitutionsType
from .path_join_substitution import PathJoinSubstitution


class PathSubstitution(PathJoinSubstitution):
    """Stands for `path`; ``PathSubstitution(a) / 'b'`` joins."""

    def __init__(self, path: SomeSubstitutionsType) -> None:
        super().__init__([path])
