"""Turn whatever may stand for a text into a list of substitutions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..substitution import Substitution
from .class_tools_impl import is_a


def normalize_to_list_of_substitutions(subs) -> list[Substitution]:
    """Return the substitutions whose texts, joined, are meant by `subs`; TypeError for anything else."""
    if isinstance(subs, (str, Path)) or is_a(subs, Substitution):
        return [_one(subs)]
    if isinstance(subs, Iterable):
        return [_one(item) for item in subs]
    raise TypeError(f"expected a text, a Substitution or an iterable of them, got '{subs}' of type {type(subs)}")


def _one(item) -> Substitution:
    from ..substitutions import TextSubstitution
    if isinstance(item, (str, Path)):
        return TextSubstitution(text=str(item))
    if is_a(item, Substitution):
        return item
    raise TypeError(f"expected a text or a Substitution, got '{item}' of type {type(item)}")
