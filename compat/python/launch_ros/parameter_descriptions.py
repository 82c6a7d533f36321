"""Parameters with a type, and parameter files with substitutions."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from launch.frontend.parse_substitution import parse_substitution
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from launch.utilities.type_utils import normalize_typed_substitution, perform_typed_substitution


class ParameterValue:
    """A parameter's value of type `value_type` (int, float, bool, str or a List of one; None: by the rules of YAML)."""

    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        self.__value = normalize_typed_substitution(value, value_type)
        self.__value_type = value_type
        self.__evaluated: Any = None

    @property
    def value(self) -> Any:
        """The evaluated value, before that the value given with substitutions as lists."""
        return self.__value if self.__evaluated is None else self.__evaluated

    @property
    def value_type(self) -> Any:
        """The type, if one is imposed."""
        return self.__value_type

    def __str__(self) -> str:
        return f"launch_ros.descriptions.ParameterValue(value={self.value}, value_type={self.value_type})"

    def evaluate(self, context) -> Any:
        """Return the value; ValueError if a substitution gives none of that type."""
        self.__evaluated = perform_typed_substitution(context, self.__value, self.__value_type)
        return self.__evaluated


class Parameter:
    """A parameter with its name."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, *, value_type: Any = None) -> None:
        self.__name = normalize_to_list_of_substitutions(name)
        self.__value = ParameterValue(value, value_type=value_type)
        self.__evaluated_name: str | None = None

    @property
    def name(self) -> list[Substitution] | str:
        """The evaluated name, before that its substitutions."""
        return self.__name if self.__evaluated_name is None else self.__evaluated_name

    @property
    def value(self) -> Any:
        """The evaluated value, before that the value given with substitutions as lists."""
        return self.__value.value

    @property
    def value_type(self) -> Any:
        """The type, if one is imposed."""
        return self.__value.value_type

    def __str__(self) -> str:
        return (f"launch_ros.descriptions.Parameter(name={self.name}, value={self.value}, "
                f"value_type={self.value_type})")

    def evaluate(self, context) -> tuple[str, Any]:
        """Return name and value."""
        self.__evaluated_name = perform_substitutions(context, self.__name)
        return self.__evaluated_name, self.__value.evaluate(context)


class ParameterFile:
    """A YAML file of parameters, in which ``$(var name)`` and the like are replaced if `allow_substs`."""

    def __init__(self, param_file: SomeSubstitutionsType | os.PathLike, *,
                 allow_substs: bool | SomeSubstitutionsType = False) -> None:
        self.__param_file = normalize_to_list_of_substitutions(
            os.fspath(param_file) if isinstance(param_file, os.PathLike) else param_file)
        self.__allow_substs = normalize_typed_substitution(allow_substs, bool)
        self.__evaluated_allow_substs: bool | None = None
        self.__evaluated_param_file: Path | None = None
        self.__temporary_file: Path | None = None

    @property
    def param_file(self) -> list[Substitution] | Path:
        """The evaluated path, before that its substitutions."""
        return self.__param_file if self.__evaluated_param_file is None else self.__evaluated_param_file

    @property
    def allow_substs(self) -> Any:
        """Whether substitutions in the file are replaced."""
        return self.__allow_substs if self.__evaluated_allow_substs is None else self.__evaluated_allow_substs

    def __str__(self) -> str:
        return f"launch_ros.description.ParameterFile(param_file={self.param_file}, allow_substs={self.allow_substs})"

    def evaluate(self, context) -> Path:
        """Return the path of the file, or of a temporary one (see `cleanup`) with the substitutions replaced."""
        if self.__evaluated_param_file is not None:
            return self.__evaluated_param_file
        path = Path(perform_substitutions(context, self.__param_file))
        self.__evaluated_allow_substs = bool(perform_typed_substitution(context, self.__allow_substs, bool))
        if self.__evaluated_allow_substs:
            path = self.__temporary_file = _write_with_substitutions(context, path)
        self.__evaluated_param_file = path
        return path

    def cleanup(self) -> None:
        """Remove the temporary file, and be as before evaluation."""
        if self.__temporary_file is not None:
            with contextlib.suppress(OSError):
                self.__temporary_file.unlink()
            self.__temporary_file = None
            self.__evaluated_param_file = None

    def __del__(self) -> None:
        if getattr(self, "_ParameterFile__temporary_file", None) is not None:
            self.cleanup()


def _write_with_substitutions(context, path: Path) -> Path:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    # A comment may well speak of a substitution that means nothing here.
    text = "".join(line if line.lstrip().startswith("#") else
                   perform_substitutions(context, parse_substitution(line)) for line in lines)
    try:
        yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise ValueError(f"parameter file '{path}' is not valid YAML after its substitutions were replaced{where}: "
                         f"{getattr(error, 'problem', None) or error}") from None
    with tempfile.NamedTemporaryFile("w", prefix="launch_params_", suffix=".yaml", delete=False,
                                     encoding="utf-8") as file:
        file.write(text)
    return Path(file.name)
