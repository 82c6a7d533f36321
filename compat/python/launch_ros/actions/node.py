"""Run a node."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from launch import logging
from launch.actions import ExecuteProcess
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from .._parameter_files import write_parameter_file
from ..parameter_descriptions import Parameter
from ..remap_rule_type import SomeRemapRules
from ..substitutions import ExecutableInPackage
from ..utilities import (
    add_node_name,
    evaluate_parameters,
    make_namespace_absolute,
    normalize_parameters,
    normalize_remap_rules,
    prefix_namespace,
)


class Node(ExecuteProcess):
    """Run `executable` of `package` (without a package: a program) with the ROS arguments that follow from the rest.

    `name` and `namespace` override the node's own; the namespace is below the one pushed in this scope. `parameters`
    are files, dictionaries and `Parameter` objects, the later ones win; `remappings` pairs (from, to).
    `ros_arguments` come after ``--ros-args``, `arguments` before. `exec_name` is the label in the output. All else is
    as in `ExecuteProcess`.
    """

    UNSPECIFIED_NODE_NAME = "<node_name_unspecified>"
    UNSPECIFIED_NODE_NAMESPACE = "<node_namespace_unspecified>"

    def __init__(self, *, executable: SomeSubstitutionsType, package: SomeSubstitutionsType | None = None,
                 name: SomeSubstitutionsType | None = None, namespace: SomeSubstitutionsType | None = None,
                 exec_name: SomeSubstitutionsType | None = None, parameters: Any = None,
                 remappings: SomeRemapRules | None = None, ros_arguments: Iterable[SomeSubstitutionsType] | None = None,
                 arguments: Iterable[SomeSubstitutionsType] | None = None, **kwargs) -> None:
        program = executable if package is None else ExecutableInPackage(executable, package)
        cmd = [program, *(arguments or ()), "--ros-args", *(ros_arguments or ())]
        super().__init__(cmd=cmd, name=exec_name, **kwargs)
        self.__package = package
        self.__executable = executable
        self.__node_name = None if name is None else normalize_to_list_of_substitutions(name)
        self.__node_namespace = None if namespace is None else normalize_to_list_of_substitutions(namespace)
        self.__parameters = [] if parameters is None else normalize_parameters(parameters)
        self.__remappings = [] if remappings is None else list(normalize_remap_rules(remappings))
        self.__expanded_node_name = self.UNSPECIFIED_NODE_NAME
        self.__expanded_node_namespace = self.UNSPECIFIED_NODE_NAMESPACE
        self.__expanded_parameter_arguments: list[tuple[str, bool]] = []
        self.__expanded_remappings: list[tuple[str, str]] = []
        self.__substitutions_performed = False

    # -- description ---------------------------------------------------------------------------------------------------

    @property
    def node_package(self) -> SomeSubstitutionsType | None:
        """Package as given."""
        return self.__package

    @property
    def node_executable(self) -> SomeSubstitutionsType:
        """Executable as given."""
        return self.__executable

    @property
    def node_name(self) -> str:
        """Full name of the node, once executed, as far as it is known."""
        if not self.__substitutions_performed:
            raise RuntimeError("the name of a node is known only once its action has been executed")
        return f"{self.__expanded_node_namespace.rstrip('/')}/{self.__expanded_node_name}"

    def is_node_name_fully_specified(self) -> bool:
        """Return whether both name and namespace are known."""
        return (self.__expanded_node_name != self.UNSPECIFIED_NODE_NAME
                and self.__expanded_node_namespace != self.UNSPECIFIED_NODE_NAMESPACE)

    @property
    def expanded_node_namespace(self) -> str:
        """Namespace, once executed."""
        return self.__expanded_node_namespace

    @property
    def expanded_remapping_rules(self) -> list[tuple[str, str]]:
        """Remapping rules, once executed."""
        return self.__expanded_remappings

    def describe(self) -> str:
        """One-line description for people."""
        parts = {"package": self.__package, "executable": self.__executable, "name": self.__node_name,
                 "namespace": self.__node_namespace}
        texts = (f"{key}={' + '.join(s.describe() for s in normalize_to_list_of_substitutions(value))}"
                 for key, value in parts.items() if value is not None)
        return f"{type(self).__name__}({', '.join(texts)})"

    # -- execution -----------------------------------------------------------------------------------------------------

    def prepare(self, context) -> None:
        """Add the ROS arguments to the command line before it is expanded."""
        self._perform_substitutions(context)
        super().prepare(context)

    def execute(self, context) -> list | None:
        """Start the node."""
        result = super().execute(context)
        if self.is_node_name_fully_specified():
            add_node_name(context, self.node_name)
        return result

    def _perform_substitutions(self, context) -> None:
        """Expand names, parameters and remappings once, and extend the command line by them."""
        if self.__substitutions_performed:
            return
        self.__expand_names(context)
        self.__substitutions_performed = True
        arguments: list[list[Any]] = []
        if self.__expanded_node_name != self.UNSPECIFIED_NODE_NAME:
            arguments.append(["-r", _NameArgument("__node", self.__expanded_node_name)])
        if self.__expanded_node_namespace != self.UNSPECIFIED_NODE_NAMESPACE:
            arguments.append(["-r", _NameArgument("__ns", self.__expanded_node_namespace)])
        arguments += self.__global_parameters(context)
        arguments += self.__own_parameters(context)
        self.__expanded_remappings = [
            *context.launch_configurations.get("ros_remaps", []),
            *((perform_substitutions(context, src), perform_substitutions(context, dst))
              for src, dst in self.__remappings)]
        arguments += [["-r", f"{src}:={dst}"] for src, dst in self.__expanded_remappings]
        self.process_description.cmd.extend(
            normalize_to_list_of_substitutions(argument) for pair in arguments for argument in pair)

    def __expand_names(self, context) -> None:
        from rclpy.exceptions import InvalidNamespaceException, InvalidNodeNameException
        from rclpy.validate_namespace import validate_namespace
        from rclpy.validate_node_name import validate_node_name
        base = context.launch_configurations.get("ros_namespace")
        try:
            if self.__node_name is not None:
                name = perform_substitutions(context, self.__node_name)
                validate_node_name(name)
                self.__expanded_node_name = name
            own = None if self.__node_namespace is None else perform_substitutions(context, self.__node_namespace)
            namespace = prefix_namespace(base, own)
            if namespace is not None:
                namespace = make_namespace_absolute(namespace)
                validate_namespace(namespace)
                self.__expanded_node_namespace = namespace
        except (InvalidNamespaceException, InvalidNodeNameException) as error:
            raise RuntimeError(f"{self.describe()}: {' '.join(str(error).split())}") from None

    def __global_parameters(self, context) -> list[list[str]]:
        """Arguments for what was set for all nodes, ahead of the node's own."""
        arguments = []
        for entry in context.launch_configurations.get("global_params", []):
            if isinstance(entry, tuple):
                arguments.append(["-p", f"{entry[0]}:={entry[1]}"])
            else:
                arguments += self.__file_argument(os.path.abspath(entry))
        return arguments

    def __own_parameters(self, context) -> list[list[str]]:
        arguments: list[list[str]] = []
        for item in evaluate_parameters(context, self.__parameters):
            if isinstance(item, dict):
                owner = self.node_name if self.is_node_name_fully_specified() else "/**"
                path = write_parameter_file({owner: {"ros__parameters": item}})
                arguments.append(["--params-file", path])
                self.__expanded_parameter_arguments.append((path, True))
            elif isinstance(item, Path):
                added = self.__file_argument(str(item))
                arguments += added
                self.__expanded_parameter_arguments += [(path, True) for _, path in added]
            else:
                assert isinstance(item, Parameter)
                rule = f"{item.name}:={_as_yaml(item.value)}"
                arguments.append(["-p", rule])
                self.__expanded_parameter_arguments.append((rule, False))
        return arguments

    def __file_argument(self, path: str) -> list[list[str]]:
        if os.path.isfile(path):
            return [["--params-file", path]]
        logging.get_logger("launch_ros").warning(f"Parameter file path is not a file: {path}")
        return []


class _NameArgument(Substitution):
    """A remapping of the node's name or namespace, fixed when the action is executed."""

    def __init__(self, key: str, value: str) -> None:
        self.__text = f"{key}:={value}"

    def describe(self) -> str:
        """The argument, quoted."""
        return f"'{self.__text}'"

    def perform(self, context) -> str:
        """Return the argument."""
        return self.__text


def _as_yaml(value: Any) -> str:
    """Return a value in one line of YAML, texts quoted where they would be read as something else."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**9)
    return text.removesuffix("...\n").removesuffix("\n")
