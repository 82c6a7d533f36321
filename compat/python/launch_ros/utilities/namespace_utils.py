"""Namespaces of nodes."""

from __future__ import annotations


def is_root_namespace(namespace: str) -> bool:
    """Return whether it is '/'."""
    return namespace == "/"


def is_namespace_absolute(namespace: str) -> bool:
    """Return whether it begins with '/'."""
    return namespace.startswith("/")


def make_namespace_absolute(namespace: str) -> str:
    """Return it with '/' in front."""
    return namespace if is_namespace_absolute(namespace) else "/" + namespace


def prefix_namespace(base_namespace: str | None, namespace: str | None) -> str | None:
    """Return `namespace` as seen from `base_namespace`; an absolute one stays, None is nothing."""
    if namespace is None or (namespace == "" and base_namespace is not None):
        return base_namespace
    if base_namespace is not None and base_namespace != "" and not is_namespace_absolute(namespace):
        namespace = f"{base_namespace.rstrip('/')}/{namespace}"
    return namespace if is_root_namespace(namespace) else namespace.rstrip("/")
