"""From detections and readings to receipts: store, tracker, shelf monitor, gate, cart manager and web view."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction

from walkout.ros import launching

ARGUMENTS = [
    launching.STORE,
    launching.LEDGER,
    launching.WEB,
    launching.PORT,
    DeclareLaunchArgument(
        "use_sim_time", default_value="true", choices=list(launching.BOOLEANS), description="Follow /clock"
    ),
    DeclareLaunchArgument(
        "gate_source",
        default_value="device",
        choices=["device", "topic"],
        description="device: the gates' controllers; topic: the recorded signals of a bag",
    ),
]


def nodes(context):
    store = launching.chosen_store(context)
    common = {
        "store": launching.text(context, "store"),
        "use_sim_time": launching.text(context, "use_sim_time") == "true",
    }
    ledger = launching.ledger_url(context, store)
    found = launching.store_nodes(common, ledger)
    found.append(
        launching.core_node("gate", {**common, "ledger": ledger, "source": launching.text(context, "gate_source")})
    )
    if launching.text(context, "web") == "true":
        found.append(launching.core_node("web_view", {**common, "port": int(launching.text(context, "port"))}))
    return found


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
