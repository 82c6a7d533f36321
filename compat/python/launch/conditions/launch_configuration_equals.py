"""Met when a launch configuration has a given value (deprecated upstream in favour of EqualsSubstitution)."""

from __future__ import annotations

import warnings

from ..condition import Condition
from ..some_substitutions_type import SomeSubstitutionsType
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


class LaunchConfigurationEquals(Condition):
    """Met when the configuration's value is `expected_value`; None expects it to be unset."""

    def __init__(self, launch_configuration_name: str, expected_value: SomeSubstitutionsType | None) -> None:
        warnings.warn(f"{type(self).__name__} is deprecated; use IfCondition or UnlessCondition with "
                      "EqualsSubstitution or NotEqualsSubstitution", UserWarning, stacklevel=2)
        self.__name = launch_configuration_name
        self.__expected = (None if expected_value is None else normalize_to_list_of_substitutions(expected_value))
        super().__init__(predicate=self._is_equal)

    def _is_equal(self, context) -> bool:
        expected = None if self.__expected is None else perform_substitutions(context, self.__expected)
        return context.launch_configurations.get(self.__name) == expected
