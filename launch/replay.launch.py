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
from launch.event_handlers import OnProcessIO
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import ThisLaunchFileDir

from walkout.ros import launching
from walkout.ros.supervision import STORE_IS_UP

DISCOVERY_S = 3.0
ARGUMENTS = [
    DeclareLaunchArgument("bag", description="Folder of the recorded bag (rosbag2 MCAP)"),
    launching.STORE,
    launching.WEB,
    launching.PORT,
    launching.LEDGER,
    launching.PARAMETERS,
    DeclareLaunchArgument("rate", default_value="1.0", description="Playing speed: 2.0 is twice as fast as it was"),
    DeclareLaunchArgument(
        "loop", default_value="1", description="How often to play the bag; 0: for ever. Every pass begins anew"
    ),
    DeclareLaunchArgument("start", default_value="0.0", description="Seconds of the bag to leave out at its beginning"),
    DeclareLaunchArgument(
        "linger", default_value="15.0", description="Seconds to go on after the last message, and between two passes"
    ),
]


def number(context, name, above=False):
    """Return the number of a launch argument. Raises LaunchError if it is none, or not above (else: below) zero."""
    given = launching.text(context, name)
    wanted = "above zero" if above else "that is not negative"
    try:
        value = float(given)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf") or (above and value == 0):
        raise launching.LaunchError(f"{name}:={given}: give a number {wanted}")
    return value


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
    rate, start, linger = number(context, "rate", above=True), number(context, "start"), number(context, "linger")
    passes = number(context, "loop")
    command = ["ros2", "bag", "play", str(bag), "--clock", "20", "--rate", f"{rate:g}", "--start-offset", f"{start:g}"]
    # Only what came from devices is played, so that nothing recorded meets what is computed now. While the player
    # waits, the clock stands at the beginning: everybody has noticed that it went back before the first message comes.
    command += ["--delay", f"{DISCOVERY_S:g}", "--topics", *launching.replayed_topics(store)]
    waiting = [STORE_IS_UP]

    def player(played=0):
        """Return the process of one pass; after its end and the time to linger there is another, or the end."""

        def after(event, _context):
            if event.returncode != 0:
                return [EmitEvent(event=Shutdown(reason="the bag could not be played"))]
            done = passes and played + 1 >= passes
            next_action = EmitEvent(event=Shutdown(reason="replay done")) if done else player(played + 1)
            count = "" if passes == 1 else f", pass {played + 1}" + (f" of {passes:g}" if passes else "")
            return [LogInfo(msg=f"the bag has been played{count}"), TimerAction(period=linger, actions=[next_action])]

        return ExecuteProcess(cmd=command, name="player", on_exit=after)

    def play_when_up(event):
        """Play once every node that listens is active: what nobody hears yet would be lost."""
        if waiting and STORE_IS_UP in event.text.decode(errors="replace"):
            waiting.clear()
            return [player()]
        return None

    return [
        *launching.clean_shared_memory(),
        *launching.parameter_file(context),
        launching.core_node("detector", {**common, "compressed": True, "queue_depth": 1000}),
        IncludeLaunchDescription(source, launch_arguments=arguments.items()),
        RegisterEventHandler(OnProcessIO(on_stderr=play_when_up, on_stdout=play_when_up)),
    ]


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=replay)])
