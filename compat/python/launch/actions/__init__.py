"""Actions of a launch description."""

from .append_environment_variable import AppendEnvironmentVariable
from .declare_launch_argument import DeclareLaunchArgument
from .emit_event import EmitEvent
from .execute_local import ExecuteLocal
from .execute_process import ExecuteProcess
from .group_action import GroupAction
from .include_launch_description import IncludeLaunchDescription
from .log_info import LogInfo
from .opaque_coroutine import OpaqueCoroutine
from .opaque_function import OpaqueFunction
from .register_event_handler import RegisterEventHandler
from .scopes import (
    PopEnvironment,
    PopLaunchConfigurations,
    PushEnvironment,
    PushLaunchConfigurations,
    ResetEnvironment,
    ResetLaunchConfigurations,
)
from .set_environment_variable import SetEnvironmentVariable, UnsetEnvironmentVariable
from .set_launch_configuration import SetLaunchConfiguration, UnsetLaunchConfiguration
from .shutdown_action import Shutdown
from .timer_action import TimerAction
from .unregister_event_handler import UnregisterEventHandler

__all__ = [
    "AppendEnvironmentVariable", "DeclareLaunchArgument", "EmitEvent", "ExecuteLocal", "ExecuteProcess", "GroupAction",
    "IncludeLaunchDescription", "LogInfo", "OpaqueCoroutine", "OpaqueFunction", "PopEnvironment",
    "PopLaunchConfigurations", "PushEnvironment", "PushLaunchConfigurations", "RegisterEventHandler",
    "ResetEnvironment", "ResetLaunchConfigurations", "SetEnvironmentVariable", "SetLaunchConfiguration", "Shutdown",
    "TimerAction", "UnregisterEventHandler", "UnsetEnvironmentVariable", "UnsetLaunchConfiguration",
]
