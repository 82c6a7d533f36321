"""Find packages and what is in them by the ament index."""

from __future__ import annotations

import os
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_packages_with_prefixes

from ros2cli.errors import CommandError


def packages() -> dict[str, Path]:
    """Return prefix by package, sorted by name."""
    return {name: Path(prefix) for name, prefix in sorted(get_packages_with_prefixes().items())}


def prefix_of(package: str) -> Path:
    """Return the package's prefix; CommandError if there is no such package."""
    try:
        return Path(get_package_prefix(package))
    except (PackageNotFoundError, ValueError):
        raise CommandError(f"Package '{package}' not found; searched AMENT_PREFIX_PATH="
                           f"{os.environ.get('AMENT_PREFIX_PATH', '(not set: source env.sh first)')}") from None


def share_of(package: str) -> Path:
    """Return the package's share folder."""
    return prefix_of(package) / "share" / package


def executables_of(package: str) -> list[Path]:
    """Return the paths of the package's executables, sorted by name."""
    folder = prefix_of(package) / "lib" / package
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*") if path.is_file() and os.access(path, os.X_OK))


def find_executable(package: str, name: str) -> Path:
    """Return the path of one executable; CommandError if there is none or more than one of that name."""
    paths = executables_of(package)
    found = [path for path in paths if path.name == name]
    if not found:
        known = ", ".join(path.name for path in paths) or "none"
        raise CommandError(f"No executable '{name}' found in package '{package}'; it has: {known}")
    if len(found) > 1:
        raise CommandError(f"Multiple executables '{name}' found in package '{package}': {', '.join(map(str, found))}")
    return found[0]


def find_share_file(package: str, name: str) -> Path:
    """Return the path of a file anywhere in the package's share folder, by its name or relative path."""
    share = share_of(package)
    if (share / name).is_file():
        return share / name
    found = sorted(path for path in share.rglob(Path(name).name) if path.is_file() and str(path).endswith("/" + name))
    if not found:
        raise CommandError(f"file '{name}' was not found in the share directory of package '{package}' "
                           f"which is at '{share}'")
    if len(found) > 1:
        raise CommandError(f"file name '{name}' is ambiguous, the share directory of package '{package}' has: "
                           f"{', '.join(str(path) for path in found)}")
    return found[0]
