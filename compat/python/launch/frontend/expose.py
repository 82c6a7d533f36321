"""Registers of what textual launch files may name."""

from __future__ import annotations

import inspect
from collections.abc import Callable

action_parse_methods: dict[str, Callable] = {}
substitution_parse_methods: dict[str, Callable] = {}


def _register(name: str, register: dict[str, Callable], kind: str) -> Callable:
    """Return a decorator that registers a class's ``parse`` method, or a function, under `name`."""
    def decorate(exposed):
        method = exposed
        if inspect.isclass(exposed):
            method = getattr(exposed, "parse", None)
        if not callable(method):
            raise RuntimeError(f"Exposed {kind} parser for {name} is not a callable or a class"
                               " containing a parse method")
        register[name] = method
        return exposed
    return decorate


#: Upstream's tests reach for the helper under this name.
__expose_impl = _register


def expose_action(name: str) -> Callable:
    """Make an action known under `name`."""
    return _register(name, action_parse_methods, "action")


def expose_substitution(name: str) -> Callable:
    """Make a substitution known as ``$(name ...)``."""
    return _register(name, substitution_parse_methods, "substitution")
