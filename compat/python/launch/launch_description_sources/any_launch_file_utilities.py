"""Load a launch file of whichever kind."""

from __future__ import annotations

import os

from ..invalid_launch_file_error import InvalidLaunchFileError
from ..launch_description import LaunchDescription
from .python_launch_file_utilities import get_launch_description_from_python_launch_file


def get_launch_description_from_any_launch_file(launch_file_path: str) -> LaunchDescription:
    """Return the description in a Python file; InvalidLaunchFileError for XML, YAML and the rest."""
    if not os.path.exists(launch_file_path):
        raise FileNotFoundError(f"launch file '{launch_file_path}' does not exist")
    extension = os.path.splitext(launch_file_path)[1].lower()
    if extension == ".py":
        return get_launch_description_from_python_launch_file(launch_file_path)
    raise InvalidLaunchFileError(extension)
