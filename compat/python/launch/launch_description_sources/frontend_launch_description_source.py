"""Launch descriptions in XML or YAML, which this stand-in does not read."""

from __future__ import annotations

import os

from ..invalid_launch_file_error import InvalidLaunchFileError
from ..launch_description import LaunchDescription
from ..launch_description_source import LaunchDescriptionSource
from ..some_substitutions_type import SomeSubstitutionsType


class FrontendLaunchDescriptionSource(LaunchDescriptionSource):
    """Raises InvalidLaunchFileError when the description is asked for."""

    def __init__(self, launch_file_path: SomeSubstitutionsType, *, method: str = "interpreted frontend launch file",
                 parser=None) -> None:
        super().__init__(None, launch_file_path, method)

    def _get_launch_description(self, location: str) -> LaunchDescription:
        raise InvalidLaunchFileError(os.path.splitext(location)[1])
