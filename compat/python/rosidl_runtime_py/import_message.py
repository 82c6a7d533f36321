"""From a parsed type to the Python class."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from rosidl_parser.definition import AbstractNestedType

_PARTS = ("Request", "Response", "Goal", "Result", "Feedback")


def import_message_from_namespaced_type(message_type: Any) -> Any:
    """Return the class of a `rosidl_parser.definition.NamespacedType`."""
    if isinstance(message_type, AbstractNestedType):
        warnings.warn("pass the type of the elements, not the array's", DeprecationWarning, stacklevel=2)
        message_type = message_type.value_type
    return class_named(".".join(message_type.namespaces), message_type.name)


def class_named(module_name: str, name: str) -> Any:
    """Return a class of a module, also a part of a service or an action such as ``Fibonacci_FeedbackMessage``."""
    module = importlib.import_module(module_name)
    owner, _, part = name.rpartition("_")
    if not hasattr(module, name) and hasattr(module, owner):
        interface = getattr(module, owner)
        if part in _PARTS:
            return getattr(interface, part)
        if part == "FeedbackMessage":
            return interface.Impl.FeedbackMessage
    return getattr(module, name)
