"""The full store: description, drivers, detector, tracker, shelf monitor, gate, carts, web view and simulator."""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, ThisLaunchFileDir
from launch_ros.actions import Node

from walkout.ros import launching

ARGUMENTS = [
    launching.STORE,
    DeclareLaunchArgument(
        "scenario",
        default_value="demo",
        description="What the simulated shoppers do: a name in config/scenarios or a YAML file; none: real devices",
    ),
    launching.CAMERAS,
    launching.COMPOSE_ARGUMENT,
    launching.WEB,
    launching.PORT,
    launching.RVIZ,
    launching.RECORD,
    launching.LEDGER,
    launching.PARAMETERS,
    DeclareLaunchArgument("seed", default_value="-1", description="Seed of the simulation; -1: the scenario's"),
    DeclareLaunchArgument("speed", default_value="1.0", description="Simulated seconds per second"),
]


def compose(context):
    launching.check_arguments(context, ARGUMENTS)
    store = launching.chosen_store(context)
    cameras = launching.chosen_cameras(context, store)
    simulated = launching.text(context, "scenario") != "none"
    common = {"use_sim_time": str(simulated).lower()}
    parts = [
        part("carts", "store", "ledger", "web", "port", **common),
        part("perception", "store", "cameras", "compose", managed="true", **common),
    ]
    if simulated:
        parts.insert(0, part("sim", "store", "cameras", "scenario", "seed", "speed"))
    if launching.text(context, "record"):
        parts.insert(0, recorder(launching.text(context, "record"), store, cameras, simulated))
    if launching.text(context, "rviz") == "true":
        parts.append(rviz())
    return [*launching.clean_shared_memory(), *launching.parameter_file(context), *parts]


def part(name, *arguments, **fixed):
    """Include one part in a scope of its own, so that its arguments do not leak into the next."""
    given = {argument: LaunchConfiguration(argument) for argument in arguments} | fixed
    source = PythonLaunchDescriptionSource([ThisLaunchFileDir(), f"/{name}.launch.py"])
    return GroupAction([IncludeLaunchDescription(source, launch_arguments=given.items())])


def recorder(folder, store, cameras, simulated):
    target = Path(folder).expanduser().resolve()
    if target.exists():
        raise launching.LaunchError(f"record:={folder}: the folder exists already; name a new one")
    target.parent.mkdir(parents=True, exist_ok=True)
    topics = launching.recorded_topics(store, cameras)
    command = ["ros2", "bag", "record", "-s", "mcap", "-o", str(target), *topics]
    return ExecuteProcess(cmd=command + (["--use-sim-time"] if simulated else []), name="recorder", output="screen")


def rviz():
    config = Path(launching.share_directory(), "rviz", "store.rviz")
    return Node(package="rviz2", executable="rviz2", arguments=["-d", str(config)], output="screen")


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=compose)])
