"""Parameters by specification: declarations, files, changes at run time, and the files made from them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
import rclpy
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rcl_interfaces.msg import ParameterType
from rclpy.parameter import Parameter

from walkout.errors import UserError
from walkout.ros.parameter_command import SPECIFICATIONS, specification, written_files
from walkout.ros.parameters import NodeParameters, ParameterError
from walkout.settings import SettingError, build, setting, settings_of


@dataclass(frozen=True)
class Inner:
    """What an algorithm can be told.

    Attributes:
        wait_s: how long it waits,
            at most.
        parts: in how many parts.
    """

    wait_s: float = 2.0
    parts: int = 3
    note: object = None

    def __post_init__(self):
        if self.parts > self.wait_s * 10:
            raise ValueError(f"parts ({self.parts}) must not exceed ten times wait_s")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {"wait_s": (0.1, 10.0), "parts": (1, 50)}


@dataclass(frozen=True)
class Example:
    rate: float = setting(10.0, "how often", unit="Hz", range=(0.5, 60.0), writable=True)
    mode: str = setting("fast", "how", choices=("fast", "slow"), writable=True)
    names: tuple[str, ...] = setting(("a", "b"), "whom", writable=True)
    depth: int = setting(4, "how many", range=(1, 9))
    inner: Inner = field(default_factory=Inner)


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make a node with a parameter file as the command line gives it."""
    context = rclpy.Context()
    nodes = []

    def start(name="example", text="", arguments=()):
        file = tmp_path / "given.yaml"
        file.write_text(text or "{}", encoding="utf-8")
        line = [*(["--params-file", str(file)] if text else []), *arguments]
        monkeypatch.setattr(sys, "argv", ["node", "--ros-args", *line])
        if not context.ok():
            rclpy.init(args=[], context=context)
        nodes.append(rclpy.create_node(name, context=context, cli_args=["--ros-args", *line] if line else None))
        return nodes[-1]

    yield start
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown(context=context)


def test_defaults_are_declared_with_types_units_ranges_and_what_may_change(make):
    node = make()
    assert NodeParameters(node, Example).value == Example()
    rate = node.describe_parameter("rate")
    assert (rate.description, rate.read_only, rate.type) == ("how often [Hz]", False, ParameterType.PARAMETER_DOUBLE)
    assert (rate.floating_point_range[0].from_value, rate.floating_point_range[0].to_value) == (0.5, 60.0)
    wait = node.describe_parameter("inner.wait_s")
    assert (wait.description, wait.read_only) == ("how long it waits, at most [s]", True)
    assert node.describe_parameter("inner.parts").integer_range[0].to_value == 50
    assert node.describe_parameter("mode").additional_constraints == "one of fast, slow"
    assert not node.has_parameter("inner.note")


def test_a_file_sets_values_and_whole_numbers_do_for_numbers(make):
    node = make(text="example: {ros__parameters: {rate: 5, names: [c], inner: {wait_s: 1}}}")
    assert NodeParameters(node, Example).value == Example(rate=5.0, names=("c",), inner=Inner(wait_s=1.0))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("rate: -1.0", "example: parameter rate: -1.0 is not within 0.5 .. 60 Hz"),
        ("rate: .nan", "example: parameter rate: nan is not within 0.5 .. 60 Hz"),
        ("rate: quick", "example: parameter rate: expected a number, got 'quick'"),
        ("depth: 2.5", "example: parameter depth: expected a whole number, got 2.5"),
        ("depth: true", "example: parameter depth: expected a whole number, got True"),
        ("mode: medium", "example: parameter mode: 'medium' is none of fast, slow"),
        ("names: a", "example: parameter names: expected a list, got 'a'"),
        ("inner: {wait_s: 1.0, parts: 20}", "parameter inner.parts (20) must not exceed ten times wait_s"),
        ("rat: 3.0", "example: unknown parameter rat (in {file}); did you mean rate?"),
        ("inner: {wait: 3.0}", "example: unknown parameter inner.wait (in {file}); did you mean inner.wait_s?"),
    ],
)
def test_a_wrong_value_or_name_in_a_file_is_one_clear_line(make, tmp_path, values, message):
    node = make(text=f"example: {{ros__parameters: {{{values}}}}}")
    with pytest.raises(ParameterError) as caught:
        NodeParameters(node, Example)
    assert message.format(file=tmp_path / "given.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_misspelt_name_on_the_command_line_is_refused(make):
    node = make(arguments=["-p", "dept:=3"])
    with pytest.raises(ParameterError, match="unknown parameter dept; did you mean depth"):
        NodeParameters(node, Example)


def test_what_all_nodes_are_told_is_refused_only_when_no_node_knows_it(make):
    NodeParameters(make(text="/**: {ros__parameters: {queue_depth: 3, use_sim_time: true}}"), Example)
    with pytest.raises(ParameterError, match="unknown parameter queue_deth"):
        NodeParameters(make("other", text="/**: {ros__parameters: {queue_deth: 3}}"), Example)


def test_a_section_for_a_kind_of_node_holds_and_the_nodes_own_wins(make):
    node = make(
        "example_c1",
        "example: {ros__parameters: {rate: 5.0, depth: 2}}\nexample_c1: {ros__parameters: {rate: 7.0}}",
    )
    got = NodeParameters(node, Example, "example").value
    assert (got.rate, got.depth) == (7.0, 2)


def test_a_list_that_launch_wrote_as_a_tuple_is_read(make):
    node = make("example_c1", "/**:\n  ros__parameters:\n    names: !!python/tuple [left, right]\n")
    assert NodeParameters(node, Example, "example").value.names == ("left", "right")


def test_a_misspelt_name_for_a_kind_of_node_is_refused(make):
    node = make("example_c1", "example: {ros__parameters: {rte: 5.0}}")
    with pytest.raises(ParameterError, match=r"unknown parameter rte .*did you mean rate"):
        NodeParameters(node, Example, "example")


def test_changes_at_run_time_are_all_or_nothing_with_the_reason(make):
    node = make()
    told = []
    parameters = NodeParameters(node, Example, on_change=told.append)
    refused = node.set_parameters_atomically([Parameter("rate", value=20.0), Parameter("mode", value="medium")])
    assert (refused.successful, refused.reason) == (False, "mode: 'medium' is none of fast, slow")
    assert parameters.value == Example()
    assert node.get_parameter("rate").value == 10.0
    assert told == []
    taken = node.set_parameters_atomically([Parameter("rate", value=20), Parameter("mode", value="slow")])
    assert taken.successful, taken.reason
    assert told == [Example(rate=20.0, mode="slow")] == [parameters.value]
    assert node.get_parameter("rate").value == 20.0


def test_what_is_read_at_the_start_alone_cannot_be_changed(make):
    node = make()
    parameters = NodeParameters(node, Example)
    result = node.set_parameters([Parameter("depth", value=5)])[0]
    assert not result.successful
    assert "read-only" in result.reason
    assert parameters.value.depth == 4


@settings(deadline=None)
@given(st.floats(allow_nan=True), st.integers())
def test_nothing_outside_its_range_gets_through(rate, depth):
    for item, value in zip(settings_of(Example), (rate, None, None, depth), strict=False):
        if value is None:
            continue
        low, high = item.range
        try:
            got = item.check(value)
        except SettingError:
            assert not low <= value <= high
        else:
            assert low <= got <= high


def test_build_takes_values_of_nested_dataclasses():
    assert build(Example, {"inner.parts": 5, "rate": 2.0}) == Example(rate=2.0, inner=Inner(parts=5))


@pytest.mark.parametrize("kind", SPECIFICATIONS)
def test_every_parameter_of_every_node_says_what_it_means_and_allows_its_default(kind):
    for item in specification(kind):
        assert item.description, f"{item.name}: give it a description (metadata, or Attributes in the docstring)"
        if item.kind in (int, float):
            assert item.range, f"{item.name}: give it a range (metadata, or RANGES of the dataclass)"
        assert item.check(item.default) == item.default


def test_the_files_made_from_the_specifications_are_up_to_date():
    for path, text in written_files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is out of date; run: walkout parameters --write"


def test_the_file_of_defaults_says_what_the_code_says():
    file = next(text for path, text in written_files().items() if path.suffix == ".yaml")
    document = yaml.safe_load(file)
    assert list(document) == list(SPECIFICATIONS)
    for kind, body in document.items():
        for item in specification(kind):
            assert item.check(body["ros__parameters"][item.name]) == item.default


def test_an_unknown_node_is_one_clear_line():
    with pytest.raises(UserError, match="did you mean tracker"):
        specification("trackr")
