"""The simulated hardware of a store: cameras, load cells, gates and shoppers, and /clock."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction

from walkout.ros import launching
from walkout.simulation.scenario import load_scenario

ARGUMENTS = [
    launching.STORE,
    launching.CAMERAS,
    DeclareLaunchArgument(
        "scenario", default_value="demo", description="Scenario: a name in config/scenarios, or a YAML file"
    ),
    DeclareLaunchArgument("seed", default_value="-1", description="Seed of the simulation; -1: the scenario's"),
    DeclareLaunchArgument("speed", default_value="1.0", description="Simulated seconds per second"),
]


def simulator(context):
    store = launching.chosen_store(context)
    scenario = launching.text(context, "scenario")
    load_scenario(scenario, store)  # a mistake in it ends the launch before anything has started
    parameters = {
        "store": launching.text(context, "store"),
        "scenario": scenario,
        "cameras": launching.chosen_cameras(context, store),
        "seed": int(launching.text(context, "seed")),
        "speed": float(launching.text(context, "speed")),
    }
    return [launching.core_node("simulator", parameters, essential=True)]


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=simulator)])
