"""A component to be loaded into a container: described only, as there is no container here."""

from __future__ import annotations

from typing import Any

from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import normalize_to_list_of_substitutions

from ..utilities import normalize_parameters, normalize_remap_rules


class ComposableNode:
    """Package, plug-in and settings of a component."""

    def __init__(self, *, package: SomeSubstitutionsType, plugin: SomeSubstitutionsType,
                 name: SomeSubstitutionsType | None = None, namespace: SomeSubstitutionsType | None = None,
                 parameters: Any = None, remappings: Any = None, extra_arguments: Any = None,
                 condition: Any = None) -> None:
        self.package = normalize_to_list_of_substitutions(package)
        self.node_plugin = normalize_to_list_of_substitutions(plugin)
        self.node_name = None if name is None else normalize_to_list_of_substitutions(name)
        self.node_namespace = None if namespace is None else normalize_to_list_of_substitutions(namespace)
        self.parameters = None if parameters is None else normalize_parameters(parameters)
        self.remappings = None if not remappings else list(normalize_remap_rules(remappings))
        self.extra_arguments = None if extra_arguments is None else normalize_parameters(extra_arguments)
        self.condition = condition
