"""Where nodes write their logs."""

from __future__ import annotations

import os

from launch import logging
from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions


class SetROSLogDir(Action):
    """Set ROS_LOG_DIR of the nodes launched from here on, in this scope; relative paths are below the current one."""

    def __init__(self, new_log_dir: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__log_dir = normalize_to_list_of_substitutions(new_log_dir)

    @property
    def log_dir(self) -> list[Substitution]:
        """The folder."""
        return self.__log_dir

    def execute(self, context) -> None:
        """Set the environment variable."""
        current = context.environment.get("ROS_LOG_DIR") or logging.launch_config.log_dir
        context.environment["ROS_LOG_DIR"] = os.path.join(current, perform_substitutions(context, self.__log_dir))
