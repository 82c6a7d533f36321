"""Drivers and detector of a store."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction

from walkout.ros import launching

ARGUMENTS = [
    launching.STORE,
    launching.CAMERAS,
    launching.COMPOSE_ARGUMENT,
    DeclareLaunchArgument(
        "use_sim_time", default_value="true", choices=list(launching.BOOLEANS), description="Follow /clock"
    ),
    DeclareLaunchArgument(
        "managed",
        default_value="false",
        choices=list(launching.BOOLEANS),
        description="true: the detector waits for the lifecycle manager of carts.launch.py; false: it starts by itself",
    ),
]


def drivers(context):
    store = launching.chosen_store(context)
    common = {
        "store": launching.text(context, "store"),
        "use_sim_time": launching.text(context, "use_sim_time") == "true",
    }
    managed = launching.text(context, "managed") == "true"
    cameras = launching.chosen_cameras(context, store)
    return launching.driver_nodes(store, cameras, launching.text(context, "compose"), common, managed)


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=drivers)])
