from dataclasses import dataclass, field

import pytest
import rclpy
from rclpy.parameter import Parameter

from walkout.ros.parameters import ParameterError, declare_dataclass


@dataclass(frozen=True)
class Example:
    rate_hz: float = field(default=10.0, metadata={"description": "how often", "unit": "Hz"})
    count: int = 3
    names: tuple[str, ...] = ("a", "b")
    note: object = None

    def __post_init__(self):
        if self.rate_hz <= 0:
            raise ValueError(f"rate_hz: must be above 0, got {self.rate_hz}")


@dataclass(frozen=True)
class Outer:
    inner: Example = field(default_factory=Example)
    limit: float = 1.0


@pytest.fixture
def make_node():
    context = rclpy.Context()
    rclpy.init(context=context)
    nodes = []

    def make(**values):
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        nodes.append(rclpy.create_node("example", context=context, parameter_overrides=overrides))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_defaults_and_descriptions(make_node):
    node = make_node()
    assert declare_dataclass(node, Example, "x.") == Example()
    assert node.describe_parameter("x.rate_hz").description == "how often [Hz]"
    assert not node.has_parameter("x.note")


def test_values_from_outside(make_node):
    node = make_node(**{"rate_hz": 5, "names": ["c"]})
    assert declare_dataclass(node, Example) == Example(rate_hz=5.0, names=("c",))


def test_refused_value_names_node_and_parameter(make_node):
    with pytest.raises(ParameterError, match="/example: parameter rate_hz: must be above 0, got -1"):
        declare_dataclass(make_node(rate_hz=-1.0), Example)


def test_text_for_a_number_is_refused(make_node):
    with pytest.raises(ParameterError, match="rate_hz: expected a number, got 'fast'"):
        declare_dataclass(make_node(rate_hz="fast"), Example)


def test_nested_dataclasses_get_a_prefix(make_node):
    got = declare_dataclass(make_node(**{"a.inner.count": 9}), Outer, "a.")
    assert got == Outer(inner=Example(count=9))
