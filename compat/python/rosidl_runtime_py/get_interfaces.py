"""Which interfaces exist, and in which files, according to the ament index."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ament_index_python import get_packages_with_prefixes, get_resource, get_resources, has_resource

RESOURCE = "rosidl_interfaces"
_SUFFIXES = (".msg", ".srv", ".action", ".idl")


def get_interface_packages() -> dict[str, str]:
    """Return package -> prefix of all packages with interfaces."""
    return get_resources(RESOURCE)


def get_all_interface_packages() -> dict[str, str]:
    """Return the same as `get_interface_packages` (older name)."""
    return get_interface_packages()


def get_interfaces(package_names: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return package -> sorted interfaces like ``msg/String``, of the packages named or of all.

    Packages without such interfaces are left out. Raises LookupError for a package that is not installed.
    """
    return _collect(package_names, ("msg", "srv", "action"))


def get_message_interfaces(package_names: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return package -> messages."""
    return _collect(package_names, ("msg",))


def get_service_interfaces(package_names: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return package -> services."""
    return _collect(package_names, ("srv",))


def get_action_interfaces(package_names: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return package -> actions."""
    return _collect(package_names, ("action",))


def get_interface_path(interface_name: str) -> str:
    """Return the file that defines an interface like ``std_msgs/msg/String``; LookupError if there is none."""
    parts = interface_name.split("/")
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"Invalid name '{interface_name}'. Expected three parts separated by '/'")
    prefix = get_packages_with_prefixes().get(parts[0])
    if prefix is None:
        raise LookupError(f"Unknown package '{parts[0]}'")
    base = Path(prefix, "share", *parts)
    if base.suffix in _SUFFIXES and base.is_file():
        return str(base)
    for suffix in _SUFFIXES:
        path = base.with_name(base.name + suffix)
        if path.is_file():
            return str(path)
    raise LookupError(f"Could not find the interface '{base}.idl'")


def _collect(package_names: Iterable[str], kinds: tuple[str, ...]) -> dict[str, list[str]]:
    names = list(package_names)
    for name in names:
        if name not in get_packages_with_prefixes() and not has_resource(RESOURCE, name):
            raise LookupError(f"Unknown package '{name}'")
    found = {}
    for name in names or get_resources(RESOURCE):
        if not has_resource(RESOURCE, name):
            continue
        lines = get_resource(RESOURCE, name)[0].splitlines()
        interfaces = {str(Path(line).with_suffix("")) for line in lines if line.endswith(_SUFFIXES)}
        interfaces = sorted(i for i in interfaces if i.split("/")[0] in kinds)
        if interfaces:
            found[name] = interfaces
    return found
