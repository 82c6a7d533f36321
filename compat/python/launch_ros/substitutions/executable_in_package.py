"""The path of a package's executable."""

from __future__ import annotations

import os

from launch.frontend import expose_substitution
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.substitutions import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from .find_package import FindPackagePrefix


@expose_substitution("exec-in-pkg")
class ExecutableInPackage(FindPackagePrefix):
    """Stands for the path of an executable in ``<prefix>/lib/<package>``."""

    def __init__(self, executable: SomeSubstitutionsType, package: SomeSubstitutionsType) -> None:
        super().__init__(package)
        self.__executable = normalize_to_list_of_substitutions(executable)

    @classmethod
    def parse(cls, data):
        """Read ``$(exec-in-pkg executable package)``."""
        if len(data) != 2:
            raise AttributeError("exec-in-pkg substitution expects 2 arguments")
        return cls, {"executable": data[0], "package": data[1]}

    @property
    def executable(self) -> list[Substitution]:
        """Name of the executable."""
        return self.__executable

    def describe(self) -> str:
        """One-line description for people."""
        package, executable = (" + ".join(s.describe() for s in subs) for subs in (self.package, self.__executable))
        return f"ExecInPkg(pkg={package}, exec={executable})"

    def perform(self, context) -> str:
        """Return the path; SubstitutionFailure if there is no such executable."""
        executable = perform_substitutions(context, self.__executable)
        package = perform_substitutions(context, self.package)
        folder = os.path.join(super().perform(context), "lib", package)
        path = os.path.join(folder, executable)
        if not (os.path.isfile(path) and os.access(path, os.X_OK)):
            raise SubstitutionFailure(f"package '{package}' found, but executable '{executable}' not found in its "
                                      f"libexec directory '{folder}'")
        return path
