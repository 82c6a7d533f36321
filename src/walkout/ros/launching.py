"""What the launch files share: their arguments, the checks before anything starts, and the nodes of a store."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch.action import Action
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction
from launch.events.process import ProcessExited
from launch_ros.actions import Node as LaunchNode
from launch_ros.actions import SetParametersFromFile

from walkout.perception.models import ARM_FINDER, SHOPPER_DETECTOR, find_model
from walkout.ros.process_environment import node_environment
from walkout.ros.runtime import EXIT_INPUT
from walkout.ros.shared_memory import clean
from walkout.store.loader import load_store
from walkout.store.model import Store

PACKAGE = "walkout"
BOOLEANS = ("true", "false")
COMPOSE = ("nodes", "perception")
RESPAWN_DELAY_S = 1.0
STOP_S = "1.0"
"""Seconds that a node has to end after Ctrl-C, and again after SIGTERM."""

STORE = DeclareLaunchArgument(
    "store",
    default_value="corner",
    description="Store to run: a name in config/stores or a folder with its three files",
)
CAMERAS = DeclareLaunchArgument(
    "cameras", default_value="all", description="Cameras to use: all, or ids separated by commas (c1,c2,c4)"
)
COMPOSE_ARGUMENT = DeclareLaunchArgument(
    "compose",
    default_value="perception",
    choices=list(COMPOSE),
    description="nodes: every node in a process of its own; perception: camera drivers and detector share one process "
    "(pictures are handed over without a copy) and the shelf drivers another",
)
WEB = DeclareLaunchArgument("web", default_value="true", choices=list(BOOLEANS), description="Serve the browser page")
PORT = DeclareLaunchArgument("port", default_value="8080", description="Port of the browser page")
RVIZ = DeclareLaunchArgument(
    "rviz", default_value="false", choices=list(BOOLEANS), description="Open RViz (needs rviz2 of a ROS installation)"
)
RECORD = DeclareLaunchArgument(
    "record", default_value="", description="Folder to record an MCAP bag to; it must not exist. Empty: no recording"
)
LEDGER = DeclareLaunchArgument(
    "ledger",
    default_value="",
    description="Database of sessions, carts and receipts, as an SQLAlchemy URL or a file. "
    "Empty: walkout/<store>.db in the user's state folder",
)


PARAMETERS = DeclareLaunchArgument(
    "parameters",
    default_value="",
    description="Parameter file (YAML) for the nodes; config/parameters.yaml has all names. Empty: the defaults",
)


class LaunchError(RuntimeError):
    """The launch cannot go on; the text says which argument is wrong and what to do."""


def check_arguments(context: LaunchContext, known: Iterable[DeclareLaunchArgument]) -> None:
    """Refuse arguments that no launch file knows: launch itself would ignore a misspelt one without a word."""
    names = [argument.name for argument in known]
    for name in _given(context):
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}:=?" if near else f"known are {', '.join(names)}"
            raise LaunchError(f"unknown argument {name}:=; {hint}")


def _given(context: LaunchContext) -> list[str]:
    return [argument.split(":=", 1)[0] for argument in context.argv if ":=" in argument]


def text(context: LaunchContext, name: str) -> str:
    """Return the value of a launch argument."""
    return str(context.launch_configurations[name])


def chosen_store(context: LaunchContext) -> Store:
    """Load the store of the ``store`` argument. Raises StoreError with every mistake of its files."""
    return load_store(text(context, "store"))


def chosen_cameras(context: LaunchContext, store: Store) -> list[str]:
    """Return the camera ids of the ``cameras`` argument."""
    value = text(context, "cameras")
    if value == "all":
        return [camera.camera_id for camera in store.cameras]
    ids = [part.strip() for part in value.split(",") if part.strip()]
    for camera_id in ids:
        if camera_id not in store.camera_by_id:
            raise LaunchError(
                f"cameras:={value}: store {store.store_id} has no camera {camera_id!r}; "
                f"it has {', '.join(store.camera_by_id)}"
            )
    if not ids:
        raise LaunchError("cameras:= names no camera; give ids separated by commas, or all")
    return ids


def parameter_file(context: LaunchContext) -> list[Action]:
    """Return the action that gives the file of the ``parameters`` argument to all nodes that follow.

    What the launch files set themselves, their own arguments, goes before it.
    """
    value = text(context, "parameters")
    if not value:
        return []
    path = Path(value).expanduser().resolve()
    if not path.is_file():
        raise LaunchError(f"parameters:={value}: no such file; config/parameters.yaml is one to start from")
    return [SetParametersFromFile(str(path))]


def ledger_url(context: LaunchContext, store: Store) -> str:
    """Return the database URL of the ``ledger`` argument; makes the folder of a file."""
    value = text(context, "ledger")
    if "://" in value:
        return value
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    path = Path(value).expanduser() if value else state / "walkout" / f"{store.store_id}.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path.resolve()}"


def clean_shared_memory() -> list[Action]:
    """Remove what killed processes of earlier runs left in shared memory; return a line to log when there was any."""
    count, size = clean()
    if not count:
        return []
    return [LogInfo(msg=f"removed {count} shared-memory segments of killed processes, {size / 2**20:.0f} MiB")]


def recorded_topics(store: Store, cameras: list[str]) -> list[str]:
    """Return what a recording holds: all inputs, compressed, and the outputs to look at or to compare with."""
    shelves = [fixture.fixture_id for fixture in store.fixtures if fixture.shelves]
    inputs = [
        *(f"/camera/{camera}/image_raw/compressed" for camera in cameras),
        *(f"/camera/{camera}/camera_info" for camera in cameras),
        *(f"/shelf/{shelf}/readings" for shelf in shelves),
        "/gate/signals",
        "/store/layout",
        "/tf_static",
        "/markers/store",
    ]
    outputs = ["/shoppers", "/gate/events", "/interactions", "/carts", "/receipts", "/reviews", "/markers/shoppers"]
    return inputs + outputs + [f"/shelf/{shelf}/weight_events" for shelf in shelves]


def replayed_topics(store: Store) -> list[str]:
    """Return the inputs that a replay plays: what comes from devices, nothing that the replay computes itself."""
    shelves = [fixture.fixture_id for fixture in store.fixtures if fixture.shelves]
    cameras = [camera.camera_id for camera in store.cameras]
    return [
        *(f"/camera/{camera}/image_raw/compressed" for camera in cameras),
        *(f"/shelf/{shelf}/readings" for shelf in shelves),
        "/gate/signals",
    ]


def share_directory() -> str:
    """Return the package's installed share folder."""
    return str(get_package_share_directory(PACKAGE))


def _environment() -> dict[str, str]:
    return node_environment(Path(share_directory(), "config", "fastdds.xml"))


def core_node(executable: str, parameters: dict[str, object], name: str = "", *, essential: bool = False) -> LaunchNode:
    """Return a node of the store's core. When it dies it is started again, and the lifecycle manager brings it up.

    It ends the whole launch instead when it cannot start with what it was given (its line says why), or when it is
    ``essential``: something that would not be the same after a new start.
    """
    name = name or executable
    return LaunchNode(
        package=PACKAGE,
        executable=executable,
        name=name,
        parameters=[parameters],
        output="screen",
        additional_env=_environment(),
        sigterm_timeout=STOP_S,
        sigkill_timeout=STOP_S,
        on_exit=_ending(name, essential),
        respawn=not essential,
        respawn_delay=RESPAWN_DELAY_S,
    )


def _ending(name: str, essential: bool = False) -> Callable[[ProcessExited, LaunchContext], list[Action] | None]:
    """Return what follows when a node ends: the end of the launch where starting it again would not help."""

    def on_exit(event: ProcessExited, context: LaunchContext) -> list[Action] | None:
        if context.is_shutdown or not (essential or event.returncode == EXIT_INPUT):
            return None
        return [OpaqueFunction(function=_end_launch, args=[name])]

    return on_exit


def _end_launch(_context: LaunchContext, name: str) -> None:
    raise LaunchError(f"{name} has ended; the store cannot run without it")


def leaf_node(executable: str, parameters: dict[str, object], name: str, arguments: Sequence[str] = ()) -> LaunchNode:
    """Return a sensor's node: it is started again when it dies, unless it cannot start with what it was given."""
    return LaunchNode(
        package=PACKAGE,
        executable=executable,
        name=name or None,
        parameters=[parameters],
        arguments=list(arguments),
        output="screen",
        additional_env=_environment(),
        sigterm_timeout=STOP_S,
        sigkill_timeout=STOP_S,
        on_exit=_ending(name or executable),
        respawn=True,
        respawn_delay=RESPAWN_DELAY_S,
    )


def driver_nodes(
    store: Store, cameras: list[str], compose: str, common: dict[str, object], managed: bool
) -> list[Action]:
    """Return the drivers and the detector, one process each or composed. Raises LaunchError without a model."""
    for name, training in ((SHOPPER_DETECTOR, "detector"), (ARM_FINDER, "arms")):
        model = find_model(name)
        if not model.is_file():
            raise LaunchError(f"{model}: the model is missing; make it with: walkout train {training}")
    shelves = [fixture.fixture_id for fixture in store.fixtures if fixture.shelves]
    if compose == "perception":
        return [
            leaf_node("perception_container", {**common, "cameras": cameras, "managed": managed}, ""),
            leaf_node("shelf_container", common, ""),
        ]
    return [
        *(leaf_node("camera_driver", {**common, "camera_id": c}, f"camera_driver_{c}") for c in cameras),
        *(leaf_node("shelf_driver", {**common, "fixture_id": s}, f"shelf_driver_{s}") for s in shelves),
        core_node("detector", {**common, "cameras": cameras, "managed": managed}),
    ]


def store_nodes(common: dict[str, object], ledger: str) -> list[Action]:
    """Return the nodes from tracking to receipts, and the store's description."""
    return [
        core_node("store", common),
        core_node("tracker", common),
        core_node("shelf_monitor", common),
        core_node("cart_manager", {**common, "ledger": ledger}),
        core_node("lifecycle_manager", {"use_sim_time": common["use_sim_time"]}),
    ]
