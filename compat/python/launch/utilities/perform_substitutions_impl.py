"""Perform a list of substitutions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..launch_context import LaunchContext
    from ..substitution import Substitution


def perform_substitutions(context: LaunchContext, subs: Iterable[Substitution]) -> str:
    """Return the joined texts of `subs`."""
    return "".join(context.perform_substitution(sub) for sub in subs)
