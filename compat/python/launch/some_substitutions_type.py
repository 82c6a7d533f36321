"""What may stand wherever a text is expected."""

from collections.abc import Iterable
from pathlib import Path
from typing import Union

from .substitution import Substitution

SomeSubstitutionsType = Union[str, Path, Substitution, Iterable[Union[str, Path, Substitution]]]
SomeSubstitutionsType_types_tuple = (str, Path, Substitution, Iterable)
