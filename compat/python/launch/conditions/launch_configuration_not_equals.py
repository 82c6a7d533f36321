"""Met when a launch configuration has another value (deprecated upstream in favour of NotEqualsSubstitution)."""

from .launch_configuration_equals import LaunchConfigurationEquals


class LaunchConfigurationNotEquals(LaunchConfigurationEquals):
    """Met when the configuration's value is not `expected_value`; None expects it to be set."""

    def _is_equal(self, context) -> bool:
        return not super()._is_equal(context)
