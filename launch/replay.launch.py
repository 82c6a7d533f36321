"""Replay a recorded bag: its device data goes through detector, tracker, shelf monitor and carts once more."""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnProcessIO
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import ThisLaunchFileDir

from walkout.ros import launching
from walkout.ros.runtime import READY

DISCOVERY_S = 3.0
LISTENERS = {"detector", "tracker", "shelf_monitor", "cart_manager", "gate"}
ARGUMENTS = [
    DeclareLaunchArgument("bag", description="Folder of the recorded bag (rosbag2 MCAP)"),
    launching.STORE,
    launching.WEB,
    launching.PORT,
    launching.LEDGER,
    launching.PARAMETERS,
    DeclareLaunchArgument("rate", default_value="1.0", description="Playing speed"),
    DeclareLaunchArgument("linger", default_value="15.0", description="Seconds to go on after the last message"),
]


def replay(context):
    launching.check_arguments(context, ARGUMENTS)
    bag = Path(launching.text(context, "bag")).expanduser().resolve()
    if not (bag / "metadata.yaml").exists():
        raise launching.LaunchError(f"bag:={bag}: no metadata.yaml there; give the folder that record:= wrote")
    store = launching.chosen_store(context)
    common = {"store": launching.text(context, "store"), "use_sim_time": True}
    names = ("store", "ledger", "web", "port")
    arguments = {name: launching.text(context, name) for name in names} | {"gate_source": "topic"}
    source = PythonLaunchDescriptionSource([ThisLaunchFileDir(), "/carts.launch.py"])
    rate = launching.text(context, "rate")
    command = ["ros2", "bag", "play", str(bag), "--clock", "20", "--rate", rate, "--delay", f"{DISCOVERY_S:g}"]
    player = ExecuteProcess(cmd=[*command, "--topics", *launching.replayed_topics(store)], name="player")
    waiting = set(LISTENERS)

    def play_when_ready(event):
        """Play once every node that listens has been made: what nobody hears yet would be lost."""
        if waiting and READY in event.text.decode(errors="replace"):
            waiting.discard(event.process_name.rsplit("-", 1)[0])
            return None if waiting else [player]
        return None

    end = [
        LogInfo(msg="the bag has been played"),
        TimerAction(
            period=float(launching.text(context, "linger")), actions=[EmitEvent(event=Shutdown(reason="replay done"))]
        ),
    ]
    return [
        *launching.parameter_file(context),
        launching.core_node("detector", {**common, "compressed": True, "queue_depth": 1000}),
        IncludeLaunchDescription(source, launch_arguments=arguments.items()),
        RegisterEventHandler(OnProcessIO(on_stderr=play_when_ready, on_stdout=play_when_ready)),
        RegisterEventHandler(OnProcessExit(target_action=player, on_exit=end)),
    ]


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=replay)])
