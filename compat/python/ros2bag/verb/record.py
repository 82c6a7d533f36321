"""The arguments of ``ros2 bag record``."""

from ros2cli.bag.record import add_arguments as add_recorder_arguments
from ros2cli.bag.record import mistake_in as validate_parsed_arguments

__all__ = ["add_recorder_arguments", "validate_parsed_arguments"]
