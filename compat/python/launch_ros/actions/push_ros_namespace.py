"""A namespace for nodes to come."""

from __future__ import annotations

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from ..utilities import make_namespace_absolute, prefix_namespace


class PushROSNamespace(Action):
    """Put the nodes launched from here on, in this scope, into `namespace` (below the current one unless absolute)."""

    def __init__(self, namespace: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__namespace = normalize_to_list_of_substitutions(namespace)

    @property
    def namespace(self) -> list[Substitution]:
        """The namespace."""
        return self.__namespace

    def execute(self, context) -> None:
        """Set the launch configuration ``ros_namespace``, which scopes restore."""
        pushed = perform_substitutions(context, self.__namespace)
        namespace = make_namespace_absolute(
            prefix_namespace(context.launch_configurations.get("ros_namespace"), pushed) or "")
        from rclpy.exceptions import InvalidNamespaceException
        from rclpy.validate_namespace import validate_namespace
        try:
            validate_namespace(namespace)
        except InvalidNamespaceException as error:
            raise RuntimeError(f"cannot push the namespace '{pushed}' onto "
                               f"'{context.launch_configurations.get('ros_namespace', '/')}': "
                               f"{' '.join(str(error).split())}") from None
        context.launch_configurations["ros_namespace"] = namespace


PushRosNamespace = PushROSNamespace
