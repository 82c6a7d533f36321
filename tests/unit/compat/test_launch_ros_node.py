"""Nodes of launch_ros: the command line that follows from a launch file, and lifecycle nodes alive."""

import sys
import textwrap

import pytest
import yaml
from ament_index_python.packages import PackageNotFoundError
from launch import LaunchContext, LaunchDescription, LaunchService
from launch.actions import (
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    SetLaunchConfiguration,
    Shutdown,
    TimerAction,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    LaunchConfiguration,
    PathJoinSubstitution,
    SubstitutionFailure,
    TextSubstitution,
    ThisLaunchFileDir,
)
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from launch_ros.actions import (
    ComposableNodeContainer,
    LifecycleNode,
    LifecycleTransition,
    Node,
    PushROSNamespace,
    PushRosNamespace,
    RosTimer,
    SetParameter,
    SetParametersFromFile,
    SetRemap,
    SetROSLogDir,
    SetUseSimTime,
)
from launch_ros.descriptions import Parameter, ParameterFile, ParameterValue
from launch_ros.event_handlers import OnStateTransition
from launch_ros.substitutions import ExecutableInPackage, FindPackagePrefix, FindPackageShare
from launch_ros.utilities import get_node_name_count

NODE = {"executable": "/bin/true"}


def commands(*entities, configurations=None):
    """Run the entities; return the command line of every node among them (whose program does nothing)."""
    nodes = [e for entity in entities for e in nodes_below(entity)]
    service = LaunchService(noninteractive=True)
    service.context.launch_configurations.update(configurations or {})
    service.include_launch_description(LaunchDescription(entities))
    assert service.run() == 0
    return [node.process_details["cmd"] for node in nodes]


def nodes_below(entity):
    if isinstance(entity, Node):
        return [entity]
    return [node for child in entity.describe_sub_entities() for node in nodes_below(child)]


def parameters_of(command):
    """Return the parameters in the files of a command line, by owner."""
    files = [command[i + 1] for i, word in enumerate(command) if word == "--params-file"]
    result = {}
    for path in files:
        with open(path, encoding="utf-8") as file:
            for owner, content in yaml.full_load(file).items():
                result.setdefault(owner, {}).update(content["ros__parameters"])
    return result


def perform(substitution):
    return perform_substitutions(LaunchContext(), normalize_to_list_of_substitutions(substitution))


def test_names_remappings_and_arguments_are_in_upstream_s_order():
    [command] = commands(Node(
        **NODE, name="tracker", namespace="shop", arguments=["--fast"], ros_arguments=["--log-level", "info"],
        remappings=[("shoppers", "people"), (["a", "b"], TextSubstitution(text="c"))],
        parameters=[Parameter("rate", 5.0)],
    ))
    assert command == [
        "/bin/true", "--fast", "--ros-args", "--log-level", "info", "-r", "__node:=tracker", "-r", "__ns:=/shop",
        "-p", "rate:=5.0", "-r", "shoppers:=people", "-r", "ab:=c",
    ]


@pytest.mark.parametrize(
    ("pushed", "own", "expected"),
    [
        ((), None, None),
        ((), "", "/"),
        (("a",), None, "/a"),
        (("a",), "", "/a"),
        (("a",), "b", "/a/b"),
        (("a", "b"), "c", "/a/b/c"),
        (("a",), "/b", "/b"),
        (("a", "/b"), "c", "/b/c"),
        (("a",), "/", "/"),
    ],
)
def test_namespaces_nest_and_absolute_ones_start_over(pushed, own, expected):
    node = Node(**NODE, name="n", namespace=own)
    [command] = commands(*(PushRosNamespace(namespace) for namespace in pushed), node)
    assert [word for word in command if word.startswith("__ns")] == ([] if expected is None else [f"__ns:={expected}"])


def test_what_is_set_for_all_nodes_ends_with_the_group():
    inner, outer = Node(**NODE, name="inner"), Node(**NODE, name="outer")
    first, second = commands(
        GroupAction([
            PushROSNamespace("aisle"), SetParameter("rate", 3), SetUseSimTime(True), SetRemap("a", "b"), inner]),
        outer,
    )
    assert first == ["/bin/true", "--ros-args", "-r", "__node:=inner", "-r", "__ns:=/aisle", "-p", "rate:=3",
                     "-p", "use_sim_time:=True", "-r", "a:=b"]
    assert second == ["/bin/true", "--ros-args", "-r", "__node:=outer"]


def test_parameters_of_a_dictionary_belong_to_the_node_or_to_all_if_its_name_is_not_known():
    parameters = {"a": 1, "group": {"b": [1, 2.5], "c": {"d": "text"}}, "flag": False, "names": ["x", "1"]}
    expected = {"a": 1, "group.b": (1.0, 2.5), "group.c.d": "text", "flag": False, "names": ("x", "1")}
    named, unnamed = commands(
        Node(**NODE, name="n", namespace="ns", parameters=[parameters]),
        Node(**NODE, name="n", parameters=[parameters]))
    assert parameters_of(named) == {"/ns/n": expected}
    assert parameters_of(unnamed) == {"/**": expected}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("5", 5), ("5.0", 5.0), ("five", "five"), ("", ""), ("[1, 2]", (1, 2)), ("'5'", "5")],
)
def test_substitutions_in_parameters_are_typed_by_yaml_unless_told_otherwise(text, value):
    [command] = commands(
        Node(**NODE, parameters=[{
            "by_yaml": LaunchConfiguration("x"),
            "joined": [LaunchConfiguration("x"), ""],
            "as_text": ParameterValue(LaunchConfiguration("x"), value_type=str),
        }]),
        configurations={"x": text},
    )
    assert parameters_of(command)["/**"] == {"by_yaml": value, "joined": value, "as_text": text}


@pytest.mark.parametrize(
    "parameters",
    ["a.yaml", {"a": 1}, [5], [{5: "a"}], [{"a": [1, [2, 3]]}], [{"a": {1, 2}}], [{"a": object()}]],
)
def test_parameters_of_a_wrong_kind_are_refused_at_once(parameters):
    with pytest.raises(TypeError):
        Node(**NODE, parameters=parameters)


@pytest.mark.parametrize("remappings", [{"a": "b"}, "ab", [["a", "b"]], [("a", "b", "c")]])
def test_remappings_of_a_wrong_kind_are_refused_at_once(remappings):
    with pytest.raises(TypeError):
        Node(**NODE, remappings=remappings)


def test_mixed_types_in_a_parameter_are_told(capsys):
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([Node(**NODE, parameters=[{"prices": [1, "two"]}])]))
    assert service.run() == 1
    assert "Expected a non-empty sequence of values of one type for parameter 'prices'" in capsys.readouterr().out


def test_parameter_files_come_in_order_and_missing_ones_are_warned_of(tmp_path, capsys):
    everyone, own = tmp_path / "all.yaml", tmp_path / "own.yaml"
    for path in (everyone, own):
        path.write_text("/**:\n  ros__parameters:\n    a: 1\n")
    [command] = commands(
        SetParametersFromFile(str(everyone)),
        Node(**NODE, parameters=[own, str(tmp_path / "missing.yaml"), [str(tmp_path), "/own.yaml"]]),
    )
    assert [word for word in command if word.endswith(".yaml")] == [str(everyone), str(own), str(own)]
    assert f"Parameter file path is not a file: {tmp_path / 'missing.yaml'}" in capsys.readouterr().out


def test_substitutions_in_parameter_files_are_replaced_on_request(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("# about $(nonsense)\n/**:\n  ros__parameters:\n    store: $(var store)\n    plain: '$5'\n")
    replaced, kept = commands(
        Node(**NODE, parameters=[ParameterFile(path, allow_substs=True)]),
        Node(**NODE, parameters=[ParameterFile(path)]),
        configurations={"store": "corner"},
    )
    assert parameters_of(replaced) == {"/**": {"store": "corner", "plain": "$5"}}
    assert parameters_of(kept) == {"/**": {"store": "$(var store)", "plain": "$5"}}


def test_a_parameter_file_that_its_substitutions_break_is_told(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("/**:\n  ros__parameters:\n    store: $(var store)\n")
    context = LaunchContext()
    context.launch_configurations["store"] = "a: b: c"
    with pytest.raises(ValueError, match=r"not valid YAML .*line 3"):
        ParameterFile(path, allow_substs=True).evaluate(context)


@pytest.mark.parametrize("kwargs", [{"name": "no spaces"}, {"name": "1st"}, {"name": "n", "namespace": "a//b"}])
def test_invalid_names_end_the_launch_in_one_line(kwargs, capsys):
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([Node(**NODE, **kwargs)]))
    assert service.run() == 1
    output = capsys.readouterr().out
    assert "nvalid" in output
    assert "Traceback" not in output


def test_the_same_full_name_twice_is_warned_of(capsys):
    commands(*(Node(**NODE, name="n", namespace="ns") for _ in range(2)))
    assert "there are now at least 2 nodes with the name /ns/n" in capsys.readouterr().out


def test_packages_and_executables_are_found(tmp_path, monkeypatch):
    (tmp_path / "share/ament_index/resource_index/packages").mkdir(parents=True)
    (tmp_path / "share/ament_index/resource_index/packages/shop_tools").touch()
    (tmp_path / "share/shop_tools").mkdir()
    program = tmp_path / "lib/shop_tools/say"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    assert perform(FindPackagePrefix("shop_tools")) == str(tmp_path)
    assert perform(FindPackageShare(["shop", "_tools"])) == str(tmp_path / "share/shop_tools")
    assert perform(PathJoinSubstitution([FindPackageShare("shop_tools"), "a.yaml"])).endswith("shop_tools/a.yaml")
    assert perform(ExecutableInPackage("say", "shop_tools")) == str(program)
    with pytest.raises(SubstitutionFailure, match="executable 'sing' not found"):
        perform(ExecutableInPackage("sing", "shop_tools"))
    with pytest.raises(PackageNotFoundError, match="no_such_package"):
        perform(FindPackageShare("no_such_package"))


def test_log_folders_are_relative_to_the_current_one(monkeypatch, tmp_path):
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path))
    seen = []
    service = LaunchService(noninteractive=True)
    note = OpaqueFunction(function=lambda context: seen.append(context.environment["ROS_LOG_DIR"]))
    service.include_launch_description(LaunchDescription([GroupAction([SetROSLogDir("aisle"), note])]))
    assert service.run() == 0
    assert seen == [str(tmp_path / "aisle")]


def test_parts_of_a_store_can_be_included_in_a_namespace(tmp_path):
    part = tmp_path / "part.launch.py"
    part.write_text(textwrap.dedent("""
        from launch import LaunchDescription
        from launch.actions import DeclareLaunchArgument
        from launch.substitutions import LaunchConfiguration
        from launch_ros.actions import Node

        def generate_launch_description():
            return LaunchDescription([
                DeclareLaunchArgument("camera"),
                Node(executable="/bin/true", name=["driver_", LaunchConfiguration("camera")]),
            ])
    """))
    leaked = []

    def camera(name):
        source = PythonLaunchDescriptionSource([ThisLaunchFileDir(), "/part.launch.py"])
        include = IncludeLaunchDescription(source, launch_arguments={"camera": name}.items())
        return GroupAction([PushROSNamespace("shop"), include])

    service = LaunchService(noninteractive=True)
    service.context.extend_locals({"current_launch_file_directory": str(tmp_path)})
    service.include_launch_description(LaunchDescription([
        camera("c1"), camera("c2"),
        OpaqueFunction(function=lambda context: leaked.append(context.launch_configurations.get("camera"))),
    ]))
    assert service.run() == 0
    assert [get_node_name_count(service.context, f"/shop/driver_{name}") for name in ("c1", "c2")] == [1, 1]
    assert leaked == [None]


def test_containers_of_components_are_refused_clearly():
    import launch_ros
    if not getattr(launch_ros, "__standin__", False):
        pytest.skip("upstream has them")
    with pytest.raises(NotImplementedError, match="not supported by this stand-in"):
        ComposableNodeContainer(name="c", namespace="", package="rclcpp_components", executable="component_container")


def test_lifecycle_nodes_need_a_name_and_a_namespace():
    with pytest.raises(TypeError):
        LifecycleNode(**NODE, name="n")
    with pytest.raises(ValueError, match="transition"):
        LifecycleTransition(lifecycle_node_names=["n"], transition_ids=[])


LIFECYCLE_NODE = """
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode

rclpy.init()
node = LifecycleNode("gate")
try:
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException):
    pass
"""


def test_a_lifecycle_node_is_taken_through_its_transitions(tmp_path, monkeypatch):
    program = tmp_path / "gate.py"
    program.write_text(LIFECYCLE_NODE)
    monkeypatch.setenv("ROS_DOMAIN_ID", "11")
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    seen = []
    node = LifecycleNode(executable=sys.executable, arguments=[str(program)], name="gate", namespace="shop")
    active = OnStateTransition(target_lifecycle_node=node, goal_state="active", entities=[
        OpaqueFunction(function=lambda context: seen.append(context.locals.event.start_state)), Shutdown()])
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([
        RegisterEventHandler(active), node,
        LifecycleTransition(lifecycle_node_names=["/shop/gate"], transition_ids=[1, 3]),
        TimerAction(period=60.0, actions=[Shutdown(reason="it takes too long")]),
    ]))
    assert service.run() == 0
    assert seen == ["activating"]


def test_a_timer_may_go_by_ros_time():
    seen = []
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([
        SetLaunchConfiguration("delay", "0.2"),
        RosTimer(period=LaunchConfiguration("delay"),
                 actions=[OpaqueFunction(function=lambda context: seen.append("passed"))]),
    ]))
    assert service.run() == 0
    assert seen == ["passed"]
