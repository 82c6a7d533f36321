"""The folder of this launch's log files."""

from ..frontend.expose import expose_substitution
from ..substitution import Substitution


@expose_substitution("launch_log_dir")
@expose_substitution("log_dir")
class LaunchLogDir(Substitution):
    """Stands for the log folder's path."""

    @classmethod
    def parse(cls, data):
        """Read ``$(launch_log_dir)`` or ``$(log_dir)``."""
        if data:
            raise TypeError("launch_log_dir/log_dir substitution expects no arguments")
        return cls, {}

    def describe(self) -> str:
        """One-line description for people."""
        return "LaunchLogDir()"

    def perform(self, context) -> str:
        """Return the path (the folder is made if need be)."""
        from .. import logging
        return logging.launch_config.log_dir
