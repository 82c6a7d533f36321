"""The verbs of ``ros2`` against a node in another context of the same process."""

import contextlib
import importlib
import io
import re
import signal
import threading
from types import SimpleNamespace

import pytest
import rclpy
import yaml
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros2cli.cli import main
from ros2cli.graph import wait_for_discovery
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Shelf(LifecycleNode):
    """What the verbs look at."""

    def __init__(self, context):
        super().__init__("shelf", namespace="/store", context=context)
        limits = FloatingPointRange(from_value=1.0, to_value=20.0)
        descriptor = ParameterDescriptor(description="sampling", floating_point_range=[limits])
        self.declare_parameter("rate.hz", 10.0, descriptor)
        self.declare_parameter("names", ["a", "b"])
        self.create_service(SetBool, "flag", self._flag)
        self.heard = []
        self.create_subscription(String, "/heard", lambda m: self.heard.append(m.data), 10)
        latched = self.create_publisher(String, "/label", LATCHED)
        latched.publish(String(data="ünicode"))
        self._count = 0
        self._header = self.create_publisher(Header, "/beat", 10)
        self._image = self.create_publisher(Image, "/image", 10)
        self.create_publisher(String, "/_hidden", 10)
        self.create_timer(0.05, self._beat)

    def _beat(self):
        self._count += 1
        self._header.publish(Header(stamp=self.get_clock().now().to_msg(), frame_id=str(self._count)))
        self._image.publish(Image(height=1, width=500, data=bytes(500)))

    def _flag(self, request, response):
        response.success, response.message = request.data, "done"
        return response

    def on_configure(self, state):
        return TransitionCallbackReturn.SUCCESS


@pytest.fixture(scope="module")
def shelf():
    patch = pytest.MonkeyPatch()
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    node = Shelf(context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield node
    executor.shutdown()
    thread.join(5.0)
    node.destroy_node()
    rclpy.shutdown(context=context)
    patch.undo()


class PressedWhenSeen(io.StringIO):
    """A terminal whose user presses Ctrl-C on seeing a pattern."""

    def __init__(self, pattern):
        super().__init__()
        self.pattern = pattern

    def write(self, text):
        written = super().write(text)
        if re.search(self.pattern, self.getvalue()):
            signal.raise_signal(signal.SIGINT)
        return written


def run(*arguments, out=None):
    """Run a command; returns exit code, stdout and stderr."""
    out, err = out or io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(arguments))
        except SystemExit as error:
            code = error.code
    return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue(), lines=out.getvalue().splitlines())


@pytest.fixture
def ros2_with_own_node(shelf):
    """Commands as they are: each discovers the graph anew, which takes seconds."""
    return run


@pytest.fixture(scope="module")
def looking_node(shelf):
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    node = rclpy.create_node("_looking", context=context, enable_rosout=False, start_parameter_services=False)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    wait_for_discovery(node)
    yield node
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def ros2(looking_node, monkeypatch):
    """Commands that share a node which knows the graph already."""

    @contextlib.contextmanager
    def open_node(*_, **__):
        before = [set(entities()) for entities in _entities(looking_node)]
        try:
            yield looking_node
        finally:
            for entities, known, destroy in zip(
                _entities(looking_node),
                before,
                (looking_node.destroy_subscription, looking_node.destroy_publisher),
                strict=True,
            ):
                for entity in set(entities()) - known:
                    destroy(entity)

    for name in (
        "commands.lifecycle",
        "commands.node",
        "commands.param",
        "commands.service",
        "topic.echo",
        "topic.find",
        "topic.pub",
        "topic.rates",
    ):
        monkeypatch.setattr(importlib.import_module(f"ros2cli.{name}"), "open_node", open_node)
    return run


def _entities(node):
    return (lambda: list(node.subscriptions)), (lambda: list(node.publishers))


def test_topic_list(ros2, ros2_with_own_node):
    plain = ros2_with_own_node("topic", "list")
    assert plain.code == 0
    assert {"/beat", "/heard", "/image", "/label", "/parameter_events"} <= set(plain.lines)
    assert plain.lines == sorted(plain.lines)
    assert "/_hidden" not in plain.lines
    assert "/label [std_msgs/msg/String]" in ros2("topic", "list", "-t").lines
    hidden = ros2("topic", "list", "--include-hidden-topics").lines
    assert "/_hidden" in hidden
    verbose = ros2("topic", "list", "-v").out
    assert re.search(r"Published topics:\n(.*\n)* \* /label \[std_msgs/msg/String\] 1 publisher\n", verbose)
    assert " * /heard [std_msgs/msg/String] 1 subscriber\n" in verbose


def test_topic_info_type_and_find(ros2):
    assert (
        ros2("topic", "info", "/label").out == "Type: std_msgs/msg/String\nPublisher count: 1\nSubscription count: 0\n"
    )
    verbose = ros2("topic", "info", "-v", "label").out
    assert "Node name: shelf" in verbose
    assert "Durability: TRANSIENT_LOCAL" in verbose
    assert "Topic type hash: RIHS01_" in verbose
    unknown = ros2("topic", "info", "/nope")
    assert (unknown.code, unknown.err) == (1, "Unknown topic '/nope'\n")
    assert ros2("topic", "type", "/beat").lines == ["std_msgs/msg/Header"]
    assert ros2("topic", "type", "/nope").code == 1
    assert ros2("topic", "find", "std_msgs/msg/Header").lines == ["/beat"]


def test_topic_echo(ros2):
    once = ros2("topic", "echo", "--once", "/label")
    assert (once.code, once.out) == (0, "data: ünicode\n---\n")
    beat = yaml.safe_load(ros2("topic", "echo", "--once", "/beat").out.removesuffix("---\n"))
    assert set(beat) == {"stamp", "frame_id"}
    assert ros2("topic", "echo", "--once", "--field", "data", "/label").out == "ünicode\n---\n"
    assert int(ros2("topic", "echo", "--once", "--field", "stamp.sec", "/beat").lines[0]) > 0
    image = ros2("topic", "echo", "--once", "/image").out
    assert image.count("\n- 0") == 128
    assert "- '...'\n" in image
    assert "<sequence type: uint8, length: 500>" in ros2("topic", "echo", "--once", "--no-arr", "/image").out
    filtered = ros2("topic", "echo", "--once", "--filter", "int(m.frame_id) % 7 == 0", "--field", "frame_id", "/beat")
    assert int(filtered.lines[0]) % 7 == 0
    assert ros2("topic", "echo", "--once", "--csv", "/label").out == "ünicode\n"
    assert ros2("topic", "echo", "--once", "--raw", "/label").out.startswith("b'\\x00\\x01")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["topic", "echo", "/nope"], "Could not determine the type"),
        (["topic", "echo", "/label", "no_msgs/msg/Thing"], "invalid"),
        (["topic", "echo", "--once", "--field", "nope", "/label"], "Invalid field 'nope'"),
        (["topic", "echo", "--filter", "m.(", "/label"], "Invalid filter expression"),
        (["topic", "echo", "--once", "--filter", "m.nope > 3", "/label"], "failed"),
        (["topic", "pub", "/x", "no_msgs/msg/Thing"], "The passed message type is invalid"),
        (["topic", "pub", "/x", "std_msgs/msg/String", "[1]"], "needs to be a dictionary"),
        (["topic", "pub", "--once", "/x", "std_msgs/msg/String", "{nope: 1}"], "Failed to populate field"),
        (["service", "call", "/store/flag", "std_srvs/srv/SetBool", "{nope: 1}"], "Failed to populate field"),
        (["service", "call", "/store/flag", "no_srvs/srv/Thing"], "The passed service type is invalid"),
        (["node", "info", "/nope"], "Unable to find node '/nope'"),
        (["param", "get", "/nope", "x", "--timeout", "0.2"], "Node not found"),
        (["param", "get", "/store/shelf", "nope"], "Parameter not set."),
        (["interface", "show", "no_msgs/msg/Thing"], "Unknown package"),
        (["interface", "show", "std_msgs/String"], "Expected three parts"),
        (["interface", "package", "no_msgs"], "Unknown package"),
        (["lifecycle", "get", "/nope"], "Node not found"),
        (["lifecycle", "set", "/store/shelf", "fly"], "Unknown transition requested, available ones are:"),
        (["bag", "info", "/no/such/bag"], "No such bag"),
    ],
)
def test_mistakes_are_one_clear_message_and_code_one(ros2, arguments, message):
    result = ros2(*arguments)
    assert result.code == 1
    assert message in result.err
    assert "Traceback" not in result.err


def test_what_is_not_supported_says_so(ros2):
    for arguments in (["service", "echo", "/x"], ["bag", "convert"], ["bag", "record", "-a", "--snapshot-mode"]):
        result = ros2(*arguments)
        assert result.code == 2
        assert "not supported" in result.err


def test_topic_pub(ros2, shelf):
    result = ros2("topic", "pub", "-t", "3", "-r", "50", "/heard", "std_msgs/msg/String", "{data: hello}")
    assert result.code == 0
    assert "publishing #3: std_msgs.msg.String(data='hello')" in result.out
    assert shelf.heard[-3:] == ["hello"] * 3
    nobody = ros2("topic", "pub", "--once", "--max-wait-time-secs", "0.2", "/nobody", "std_msgs/msg/String")
    assert nobody.code == 1
    assert "Expected 1 subcribers but only got 0 subscribers" in nobody.err  # codespell:ignore


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["topic", "hz", "/beat"], r"average rate: \d+\.\d{3}\n\tmin: \d\.\d{3}s max: .*s std dev: .*s window: \d+\n"),
        (["topic", "bw", "/image"], r"Subscribed to \[/image\]\n.*B/s from \d+ messages\n\tMessage size mean: .*\n"),
        (["topic", "echo", "/beat"], r"(stamp:\n  sec: \d+\n  nanosec: \d+\nframe_id: '\d+'\n---\n){2}"),
    ],
)
def test_ctrl_c_ends_a_verb_that_goes_on(ros2_with_own_node, arguments, pattern):
    result = ros2_with_own_node(*arguments, out=PressedWhenSeen(pattern))
    assert result.code != 0
    assert re.search(pattern, result.out)
    assert result.err == ""


def test_nodes(ros2):
    assert "/store/shelf" in ros2("node", "list").lines
    assert "/_looking" not in ros2("node", "list").lines
    assert "/_looking" in ros2("node", "list", "-a").lines
    info = ros2("node", "info", "/store/shelf").out
    assert info.startswith("/store/shelf\n  Subscribers:\n    /heard: std_msgs/msg/String\n  Publishers:\n")
    assert "\n  Service Servers:\n    /store/flag: std_srvs/srv/SetBool\n" in info
    assert info.endswith("  Action Servers:\n\n  Action Clients:\n\n")


def test_services(ros2):
    assert "/store/flag [std_srvs/srv/SetBool]" in ros2("service", "list", "-t").lines
    assert ros2("service", "type", "/store/flag").lines == ["std_srvs/srv/SetBool"]
    assert ros2("service", "find", "std_srvs/srv/SetBool").lines == ["/store/flag"]
    called = ros2("service", "call", "/store/flag", "std_srvs/srv/SetBool", "{data: true}")
    assert called.code == 0
    assert called.out.endswith(
        "requester: making request: std_srvs.srv.SetBool_Request(data=True)\n\n"
        "response:\nstd_srvs.srv.SetBool_Response(success=True, message='done')\n\n"
    )


def test_parameters(ros2, tmp_path):
    listed = ros2("param", "list").out
    assert "/store/shelf:\n  names\n  rate.hz\n" in listed
    assert "  rate.hz (type: double)" in ros2("param", "list", "/store/shelf", "--param-type").lines
    assert ros2("param", "get", "/store/shelf", "rate.hz").out == "Double value is: 10.0\n"
    assert ros2("param", "set", "/store/shelf", "rate.hz", "12.5").out == "Set parameter successful\n"
    refused = ros2("param", "set", "/store/shelf", "rate.hz", "55.0")
    assert refused.code == 1
    assert refused.err.startswith("Setting parameter failed: ")
    described = ros2("param", "describe", "/store/shelf", "rate.hz").out
    assert described == (
        "Parameter name: rate.hz\n  Type: double\n  Description: sampling\n  Constraints:\n"
        "    Min value: 1.0\n    Max value: 20.0\n"
    )
    dumped = yaml.safe_load(ros2("param", "dump", "/store/shelf").out)
    assert dumped["/store/shelf"]["ros__parameters"]["rate"] == {"hz": 12.5}
    path = tmp_path / "p.yaml"
    path.write_text("/**: {ros__parameters: {rate: {hz: 3.0}}}\n")
    assert ros2("param", "load", "/store/shelf", str(path)).out == "Set parameter rate.hz successful\n"
    assert ros2("param", "get", "/store/shelf", "rate.hz", "--hide-type").out == "3.0\n"


def test_lifecycle(ros2):
    assert "/store/shelf" in ros2("lifecycle", "nodes").lines
    assert ros2("lifecycle", "get", "/store/shelf").out == "unconfigured [1]\n"
    assert ros2("lifecycle", "set", "/store/shelf", "configure").out == "Transitioning successful\n"
    assert ros2("lifecycle", "get", "/store/shelf").out == "inactive [2]\n"
    assert "- activate [3]\n\tStart: inactive\n\tGoal: activating\n" in ros2("lifecycle", "list", "/store/shelf").out


def test_interfaces(ros2):
    shown = ros2("interface", "show", "--no-comments", "std_msgs/msg/Header").out
    assert shown == "builtin_interfaces/Time stamp\n\tint32 sec\n\tuint32 nanosec\nstring frame_id\n"
    assert "---" in ros2("interface", "show", "std_srvs/srv/SetBool").lines
    assert "    std_msgs/msg/String" in ros2("interface", "list", "-m").lines
    assert "std_srvs/srv/Trigger" in ros2("interface", "package", "std_srvs").lines
    assert "tf2_msgs" in ros2("interface", "packages", "-a").lines
    assert yaml.safe_load(ros2("interface", "proto", "std_msgs/msg/Header", "--no-quotes").out)["frame_id"] == ""
