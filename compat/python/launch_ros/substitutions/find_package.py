"""Where packages are."""

from __future__ import annotations

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory
from launch.frontend import expose_substitution
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions


class FindPackage(Substitution):
    """Base: looks a package up in the ament index."""

    _exposed_name = ""

    def __init__(self, package: SomeSubstitutionsType) -> None:
        self.__package = normalize_to_list_of_substitutions(package)

    @classmethod
    def parse(cls, data):
        """Read ``$(find-pkg-... package)``."""
        if len(data) != 1:
            raise AttributeError(f"{cls._exposed_name} substitution expects 1 argument")
        return cls, {"package": data[0]}

    @property
    def package(self) -> list[Substitution]:
        """Name of the package."""
        return self.__package

    def describe(self) -> str:
        """One-line description for people."""
        return f"{type(self).__name__}(pkg={' + '.join(s.describe() for s in self.__package)})"

    def find(self, package_name: str) -> str:
        """Return the folder of a package."""
        raise NotImplementedError

    def perform(self, context) -> str:
        """Return the folder; PackageNotFoundError if there is no such package."""
        name = perform_substitutions(context, self.__package)
        try:
            return self.find(name)
        except ValueError as error:
            raise PackageNotFoundError(f"'{name}' is not a package name: {error}") from None


@expose_substitution("find-pkg-prefix")
class FindPackagePrefix(FindPackage):
    """Stands for the prefix a package is installed in."""

    _exposed_name = "find-pkg-prefix"

    def find(self, package_name: str) -> str:
        """Return the prefix."""
        return get_package_prefix(package_name)


@expose_substitution("find-pkg-share")
class FindPackageShare(FindPackage):
    """Stands for the share folder of a package."""

    _exposed_name = "find-pkg-share"

    def find(self, package_name: str) -> str:
        """Return the share folder."""
        return get_package_share_directory(package_name)
