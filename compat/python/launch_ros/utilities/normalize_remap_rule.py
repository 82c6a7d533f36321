"""Remapping rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions

from ..remap_rule_type import SomeRemapRule, SomeRemapRules

RemapRule = tuple[tuple[Substitution, ...], tuple[Substitution, ...]]


def normalize_remap_rule(remapping: SomeRemapRule) -> RemapRule:
    """Return a rule (from, to) as substitutions; TypeError unless it is a pair."""
    if not isinstance(remapping, tuple) or len(remapping) != 2:
        raise TypeError(f"a remapping must be a tuple (from, to), got {remapping!r}")
    source, destination = (tuple(normalize_to_list_of_substitutions(name)) for name in remapping)
    return source, destination


def normalize_remap_rules(remappings: SomeRemapRules) -> Iterable[RemapRule]:
    """Return the rules as substitutions."""
    if isinstance(remappings, (str, Mapping)) or not isinstance(remappings, Iterable):
        raise TypeError(f"remappings must be a list of tuples (from, to), got {remappings!r}")
    return [normalize_remap_rule(remapping) for remapping in remappings]
