"""The path of the launch file being processed."""

from ..frontend.expose import expose_substitution
from ..substitution import Substitution
from .substitution_failure import SubstitutionFailure


@expose_substitution("filename")
class ThisLaunchFile(Substitution):
    """Stands for the current launch file's path."""

    @classmethod
    def parse(cls, data):
        """Read ``$(filename)``."""
        if data:
            raise TypeError("filename substitution expects no arguments")
        return cls, {}

    def describe(self) -> str:
        """One-line description for people."""
        return "ThisLaunchFile()"

    def perform(self, context) -> str:
        """Return the path; SubstitutionFailure outside of a launch file."""
        values = context.get_locals_as_dict()
        if "current_launch_file_path" not in values:
            raise SubstitutionFailure("ThisLaunchFile used outside of a launch file (in a script)")
        return values["current_launch_file_path"]
