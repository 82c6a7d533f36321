"""package.xml names what the code needs, for rosdep; what is installed is what `ros2 launch walkout` looks for."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree

from ament_index_python.packages import get_package_prefix, get_package_share_directory

ROOT = Path(__file__).parents[3]
#: Modules whose ROS package has another name.
PACKAGES = {"tf2_ros": "tf2_ros_py"}
ROS_MODULE = (
    r"rclpy|launch(_\w+)?|ament_index_python|domain_coordinator|cv_bridge|message_filters|ros(bag2|2|idl)\w*|tf2_\w+"
    r"|\w+_(msgs|srvs|interfaces)"
)


def declared(*tags):
    root = ElementTree.parse(ROOT / "package.xml").getroot()
    return {element.text for tag in tags for element in root.findall(tag)}


def imported(*folders):
    names = set()
    for path in (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names


def is_of_ros(name):
    return bool(re.fullmatch(ROS_MODULE, name))


def test_every_ros_module_that_the_code_imports_is_declared():
    needed = {PACKAGES.get(name, name) for name in imported("src", "launch") if is_of_ros(name)}
    assert {"rclpy", "launch_ros", "sensor_msgs", "tf2_ros_py"} <= needed
    assert needed <= declared("depend", "exec_depend")
    in_tests = {PACKAGES.get(name, name) for name in imported("tests/graph", "tests/unit/ros") if is_of_ros(name)}
    assert in_tests - {"ros2cli"} <= declared("depend", "exec_depend", "test_depend")


def test_the_install_layout_is_what_ros2_launch_and_ros2_run_look_for():
    share, prefix = Path(get_package_share_directory("walkout")), Path(get_package_prefix("walkout"))
    for folder, pattern in (("launch", "*.launch.py"), ("config", "**/*.yaml"), ("rviz", "*"), ("models", "*.onnx")):
        expected = {path.relative_to(ROOT / folder) for path in (ROOT / folder).glob(pattern)}
        assert expected
        assert expected <= {path.relative_to(share / folder) for path in (share / folder).glob(pattern)}, folder
    scripts = {path.name for path in (ROOT / "scripts" / "nodes").iterdir()}
    assert scripts <= {path.name for path in (prefix / "lib" / "walkout").iterdir()}
    assert (share / "package.xml").is_file()
