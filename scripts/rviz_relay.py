"""Carries frames and markers from this ROS 2 graph to Debian's RViz 1: ``rviz_relay.py send | rviz_relay.py show``.

``send`` runs with ROS 2 and writes one JSON document a line, ``show`` runs with Debian's ROS 1 (/usr/bin/python3) and
publishes them. ``convert STORE.rviz`` writes the configuration as RViz 1 reads it. Stamps become zero, which means the
newest transform, so that simulated and wall time do not meet.
"""

from __future__ import annotations

import json
import sys

TOPICS = ("/markers/store", "/markers/shoppers", "/markers/carts")


def send() -> None:
    """Write what the graph publishes."""
    import rclpy
    from rclpy.qos import QoSDurabilityPolicy, QoSProfile
    from rosidl_runtime_py import message_to_ordereddict
    from tf2_msgs.msg import TFMessage
    from visualization_msgs.msg import MarkerArray

    latched = QoSProfile(depth=10, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
    rclpy.init()
    node = rclpy.create_node("rviz_relay")

    def pass_on(topic, message):
        print(json.dumps([topic, message_to_ordereddict(message)]), flush=True)

    node.create_subscription(TFMessage, "/tf_static", lambda m: pass_on("/tf_static", m), latched)
    for topic in TOPICS:
        profile = latched if topic == "/markers/store" else 10
        node.create_subscription(MarkerArray, topic, lambda m, topic=topic: pass_on(topic, m), profile)
    rclpy.spin(node)


def show() -> None:
    """Publish what comes on standard input in ROS 1."""
    import rospy
    from tf2_msgs.msg import TFMessage
    from visualization_msgs.msg import MarkerArray

    rospy.init_node("rviz_relay", disable_signals=True)
    publishers = {topic: rospy.Publisher(topic, MarkerArray, queue_size=10, latch=True) for topic in TOPICS}
    frames = rospy.Publisher("/tf_static", TFMessage, queue_size=10, latch=True)
    known = {}
    for line in sys.stdin:
        topic, content = json.loads(line)
        if topic == "/tf_static":
            for transform in content["transforms"]:
                known[transform["child_frame_id"]] = fill("geometry_msgs/TransformStamped", transform)
            frames.publish(TFMessage(list(known.values())))
        else:
            markers = [fill("visualization_msgs/Marker", marker) for marker in content["markers"]]
            publishers[topic].publish(MarkerArray(markers))


def fill(kind: str, content: dict):
    """Return a ROS 1 message with the fields of a ROS 2 message that it has, too."""
    import genpy
    from roslib.message import get_message_class

    message = get_message_class(kind)()
    for name, slot_type in zip(message.__slots__, message._slot_types):  # noqa: B905, as long as Debian's Python may be old
        if name not in content:
            continue
        value = content[name]
        if slot_type == "duration":
            value = genpy.Duration(value["sec"], value["nanosec"])
        elif slot_type == "time":
            value = genpy.Time(0)
        elif slot_type.endswith("[]") and "/" in slot_type:
            value = [fill(slot_type[:-2], item) for item in value]
        elif "/" in slot_type or slot_type == "Header":
            value = fill("std_msgs/Header" if slot_type == "Header" else slot_type, value)
        setattr(message, name, value)
    return message


def convert(path: str) -> None:
    """Write a configuration of RViz 2 as one of RViz 1, without what only one of them has."""
    import yaml

    with open(path) as file:
        text = file.read().replace("rviz_default_plugins/", "rviz/").replace("rviz_common/", "rviz/")
    document = yaml.safe_load(text)
    manager = document["Visualization Manager"]
    manager.pop("Transformation", None)
    kept = []
    for display in manager["Displays"]:
        if display["Class"] == "rviz/MarkerArray":
            display["Marker Topic"] = display.pop("Topic")["Value"]
            display["Queue Size"] = 100
        if display["Class"] in ("rviz/MarkerArray", "rviz/Grid"):
            kept.append(display)
    manager["Displays"] = kept
    document["Panels"] = []
    geometry = document["Window Geometry"]
    geometry.update({"Hide Left Dock": True, "Hide Right Dock": True, "Width": 1280, "Height": 800, "X": 0, "Y": 0})
    geometry.pop("QMainWindow State", None)
    yaml.safe_dump(document, sys.stdout)


if __name__ == "__main__":
    {"send": send, "show": show, "convert": convert}[sys.argv[1]](*sys.argv[2:])
