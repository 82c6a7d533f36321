"""Temporary files for parameters given in launch files; they go when the launcher does."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from typing import Any

import yaml

_folder: str | None = None


def write_parameter_file(parameters: dict[str, Any]) -> str:
    """Return the path of a new YAML file with `parameters`."""
    global _folder
    if _folder is None:
        _folder = tempfile.mkdtemp(prefix="launch_params_")
        atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    with tempfile.NamedTemporaryFile("w", dir=_folder, suffix=".yaml", delete=False, encoding="utf-8") as file:
        # As upstream, not safe_dump: rcl reads sequences with or without the tag that tuples get.
        yaml.dump(parameters, file, default_flow_style=False)
    return file.name
