"""The folder of the launch file being processed."""

from ..frontend.expose import expose_substitution
from ..substitution import Substitution
from .substitution_failure import SubstitutionFailure


@expose_substitution("dirname")
class ThisLaunchFileDir(Substitution):
    """Stands for the current launch file's folder."""

    @classmethod
    def parse(cls, data):
        """Read ``$(dirname)``."""
        if data:
            raise TypeError("dirname substitution expects no arguments")
        return cls, {}

    def describe(self) -> str:
        """One-line description for people."""
        return "ThisLaunchFileDir()"

    def perform(self, context) -> str:
        """Return the folder; SubstitutionFailure outside of a launch file."""
        values = context.get_locals_as_dict()
        if "current_launch_file_directory" not in values:
            raise SubstitutionFailure("ThisLaunchFileDir used outside of a launch file (in a script)")
        return values["current_launch_file_directory"]
