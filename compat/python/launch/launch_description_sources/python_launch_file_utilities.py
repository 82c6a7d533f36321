"""Load Python launch files."""

from __future__ import annotations

import os
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

from ..launch_description import LaunchDescription


class InvalidPythonLaunchFileError(Exception):
    """The file is Python but defines no ``generate_launch_description()``."""


def load_python_launch_file_as_module(python_launch_file_path: str) -> ModuleType:
    """Execute the file and return it as a module (nothing is cached or written beside it)."""
    loader = SourceFileLoader("python_launch_file", python_launch_file_path)
    module = module_from_spec(spec_from_loader(loader.name, loader))
    # Not loader.exec_module(): that would leave a __pycache__ in the folder of launch files.
    exec(loader.source_to_code(loader.get_data(python_launch_file_path), python_launch_file_path), module.__dict__)
    return module


def get_launch_description_from_python_launch_file(python_launch_file_path: str) -> LaunchDescription:
    """Return what the file's ``generate_launch_description()`` returns."""
    module = load_python_launch_file_as_module(python_launch_file_path)
    if not hasattr(module, "generate_launch_description"):
        raise InvalidPythonLaunchFileError(
            f"launch file '{os.path.abspath(python_launch_file_path)}' does not define generate_launch_description()")
    return module.generate_launch_description()
