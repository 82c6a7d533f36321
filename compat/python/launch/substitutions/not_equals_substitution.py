"""Compare two values for difference."""

from ..frontend.expose import expose_substitution
from .equals_substitution import EqualsSubstitution


@expose_substitution("not-equals")
class NotEqualsSubstitution(EqualsSubstitution):
    """Stands for the opposite of `EqualsSubstitution`."""

    def perform(self, context) -> str:
        """Return 'true' or 'false'."""
        return "false" if super().perform(context) == "true" else "true"
