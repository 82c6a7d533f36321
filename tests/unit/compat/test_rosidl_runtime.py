"""Messages by name, as YAML and CSV, and filled from plain values."""

from pathlib import Path

import pytest
import yaml
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseArray
from rosidl_runtime_py import (
    get_interface_path,
    get_message_interfaces,
    get_service_interfaces,
    message_to_csv,
    message_to_ordereddict,
    message_to_yaml,
    set_message_fields,
)
from rosidl_runtime_py.utilities import get_message, get_service
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool


def test_yaml_round_trip():
    message = CameraInfo(height=480, distortion_model="plumb_bob", d=[0.5, -0.25])
    message.roi.do_rectify = True
    again = CameraInfo()
    set_message_fields(again, yaml.safe_load(message_to_yaml(message)))
    assert again == message


def test_yaml_keeps_field_order_and_non_ascii():
    text = message_to_yaml(Header(frame_id="Kühlregal"))
    assert text == "stamp:\n  sec: 0\n  nanosec: 0\nframe_id: Kühlregal\n"
    assert message_to_yaml(Header(), flow_style=True) == "{stamp: {sec: 0, nanosec: 0}, frame_id: ''}\n"


def test_truncation_and_abbreviation():
    image = Image(data=bytes(range(200)), encoding="mono8")
    assert message_to_ordereddict(image, truncate_length=3)["data"] == [0, 1, 2, "..."]
    assert message_to_ordereddict(image, truncate_length=3)["encoding"] == "mon..."
    short = message_to_ordereddict(image, no_arr=True, no_str=True)
    assert short["data"] == "<sequence type: uint8, length: 200>"
    assert short["encoding"] == "<string length: <5>>"
    assert message_to_ordereddict(CameraInfo(), no_arr=True)["k"] == "<array type: double[9]>"
    assert message_to_ordereddict(PoseArray(), no_arr=True)["poses"] == \
        "<sequence type: geometry_msgs/msg/Pose, length: 0>"


def test_byte_becomes_a_character():
    assert message_to_ordereddict(DiagnosticStatus(level=b"\x02"))["level"] == "\x02"
    status = DiagnosticStatus()
    set_message_fields(status, {"level": 2, "values": [{"key": "rate", "value": "10"}]})
    assert (status.level, status.values[0].value) == (b"\x02", "10")


def test_csv_is_flat():
    message = PoseArray(header=Header(stamp=Time(sec=1, nanosec=2), frame_id="map"))
    set_message_fields(message, {"poses": [{"position": {"x": 1}}]})
    assert message_to_csv(message) == "1,2,map,1.0,0.0,0.0,0.0,0.0,0.0,1.0"


@pytest.mark.parametrize(("values", "error"), [
    ({"nope": 1}, AttributeError),
    ({"height": -1}, ValueError),
    ({"height": 1.5}, ValueError),
    ({"height": "tall"}, ValueError),
    ({"k": [1.0]}, ValueError),
    ({"d": 3.0}, TypeError),
    ({"roi": 3}, TypeError),
    ({"roi": {"do_rectify": "yes"}}, ValueError),
    ([1, 2], TypeError),
])
def test_values_that_do_not_fit_are_refused(values, error):
    with pytest.raises(error):
        set_message_fields(CameraInfo(), values)


def test_auto_header_and_now_are_filled_when_sent():
    message = CameraInfo()
    setters = set_message_fields(message, {"header": "auto"}, expand_header_auto=True)
    for put in setters:
        put(Time(sec=7))
    assert message.header.stamp.sec == 7
    header = Header()
    for put in set_message_fields(header, {"stamp": "now"}, expand_time_now=True):
        put(Time(sec=8))
    assert header.stamp.sec == 8
    with pytest.raises(TypeError):
        set_message_fields(CameraInfo(), {"header": "auto"})


def test_classes_by_name():
    assert get_message("std_msgs/msg/String") is String is get_message("std_msgs/String")
    assert get_service("std_srvs/srv/SetBool") is SetBool
    for bad in ("std_srvs/srv/SetBool", "String", "a/b/c/d", "std_msgs//String"):
        with pytest.raises(ValueError, match=r"Expected"):
            get_message(bad)
    with pytest.raises(AttributeError):
        get_message("std_msgs/msg/Nope")
    with pytest.raises(ModuleNotFoundError):
        get_message("no_such_msgs/msg/Nope")


def test_index_of_interfaces():
    assert "msg/String" in get_message_interfaces(["std_msgs"])["std_msgs"]
    assert get_service_interfaces(["std_srvs"]) == {"std_srvs": ["srv/Empty", "srv/SetBool", "srv/Trigger"]}
    with pytest.raises(LookupError, match="Unknown package"):
        get_message_interfaces(["no_such_msgs"])
    assert Path(get_interface_path("std_msgs/msg/String")).name == "String.msg"
    with pytest.raises(LookupError):
        get_interface_path("std_msgs/msg/Nope")
