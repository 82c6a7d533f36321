"""Interface classes by name."""

from __future__ import annotations

from typing import Any

from rosidl_parser.definition import NamespacedType

from rosidl_runtime_py.import_message import class_named


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
    return class_named(".".join(parts[:-1]), parts[-1])


def get_message(identifier: str) -> Any:
    """Return the class of a message; ``package/Name`` is accepted for ``package/msg/Name``."""
    return _checked(_expand(identifier, "msg"), is_message, "message")


def get_service(identifier: str) -> Any:
    """Return the class of a service; ``package/Name`` is accepted for ``package/srv/Name``."""
    return _checked(_expand(identifier, "srv"), is_service, "service")


def get_action(identifier: str) -> Any:
    """Return the class of an action; ``package/Name`` is accepted for ``package/action/Name``."""
    return _checked(_expand(identifier, "action"), is_action, "action")


def get_message_namespaced_type(identifier: str) -> NamespacedType:
    """Return the parsed type of a message's name."""
    return _namespaced(_expand(identifier, "msg"))


def get_service_namespaced_type(identifier: str) -> NamespacedType:
    """Return the parsed type of a service's name."""
    return _namespaced(_expand(identifier, "srv"))


def get_action_namespaced_type(identifier: str) -> NamespacedType:
    """Return the parsed type of an action's name."""
    return _namespaced(_expand(identifier, "action"))


def _namespaced(identifier: str) -> NamespacedType:
    parts = identifier.split("/")
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"Invalid type '{identifier}'. Expected three parts separated by '/'")
    return NamespacedType(parts[:2], parts[2])


def _expand(identifier: str, kind: str) -> str:
    parts = identifier.split("/")
    return f"{parts[0]}/{kind}/{parts[1]}" if len(parts) == 2 and all(parts) else identifier


def _checked(identifier: str, test: Any, kind: str) -> Any:
    interface = get_interface(identifier)
    if not test(interface):
        article = "an" if kind == "action" else "a"
        raise ValueError(f"Expected the full name of {article} {kind}, got '{identifier}'")
    return interface
