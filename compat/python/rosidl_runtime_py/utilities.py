"""Interface classes by name."""

from __future__ import annotations

import importlib
from typing import Any


def is_message(interface: Any) -> bool:
    """Return whether a class is a message."""
    return hasattr(interface, "get_fields_and_field_types")


def is_service(interface: Any) -> bool:
    """Return whether a class is a service."""
    return hasattr(interface, "Request") and hasattr(interface, "Response")


def is_action(interface: Any) -> bool:
    """Return whether a class is an action."""
    return all(hasattr(interface, part) for part in ("Goal", "Result", "Feedback"))


def get_interface(identifier: str) -> Any:
    """Return the class of ``package/msg/Name`` (also srv, action).

    Raises ValueError for a name of another form, ModuleNotFoundError or AttributeError for one that does not exist.
    """
    parts = identifier.split("/")
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"Invalid type '{identifier}'. Expected three parts separated by '/'")
    module = importlib.import_module(".".join(parts[:-1]))
    return getattr(module, parts[-1])


def get_message(identifier: str) -> Any:
    """Return the class of a message; ``package/Name`` is accepted for ``package/msg/Name``."""
    return _checked(_expand(identifier, "msg"), is_message, "message")


def get_service(identifier: str) -> Any:
    """Return the class of a service; ``package/Name`` is accepted for ``package/srv/Name``."""
    return _checked(_expand(identifier, "srv"), is_service, "service")


def get_action(identifier: str) -> Any:
    """Return the class of an action; ``package/Name`` is accepted for ``package/action/Name``."""
    return _checked(_expand(identifier, "action"), is_action, "action")


def _expand(identifier: str, kind: str) -> str:
    parts = identifier.split("/")
    return f"{parts[0]}/{kind}/{parts[1]}" if len(parts) == 2 and all(parts) else identifier


def _checked(identifier: str, test: Any, kind: str) -> Any:
    interface = get_interface(identifier)
    if not test(interface):
        raise ValueError(f"Expected the full name of a {kind}, got '{identifier}'")
    return interface
