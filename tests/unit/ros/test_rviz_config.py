"""The configuration of RViz is checked for what RViz itself passes over in silence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from walkout.ros import rviz_config
from walkout.ros.rviz_config import Offer

ROOT = Path(__file__).parents[3]
MARKERS = "visualization_msgs/msg/MarkerArray"


@pytest.fixture
def document():
    return yaml.safe_load((ROOT / "rviz" / "store.rviz").read_text())


def read(document, tmp_path):
    path = tmp_path / "changed.rviz"
    path.write_text(yaml.safe_dump(document))
    return rviz_config.read(path)


def displays(document):
    return document["Visualization Manager"]["Displays"]


def test_the_shipped_configuration_is_clean():
    config = rviz_config.read(ROOT / "rviz" / "store.rviz")
    assert config.mistakes == []
    assert config.fixed_frame == "store"
    assert {"/markers/store", "/markers/shoppers", "/markers/carts"} <= {display.topic for display in config.displays}


def change_key(document):
    displays(document)[0]["Cell Sze"] = displays(document)[0].pop("Cell Size")


def change_class(document):
    displays(document)[1]["Class"] = "rviz_default_plugins/MarkerArrays"


def change_policy(document):
    displays(document)[1]["Topic"]["Reliability Policy"] = "reliable"


def change_alpha(document):
    displays(document)[0]["Alpha"] = 40


def drop_topic(document):
    del displays(document)[1]["Topic"]


def drop_frame(document):
    del document["Visualization Manager"]["Global Options"]["Fixed Frame"]


def change_tool(document):
    document["Visualization Manager"]["Tools"][0]["Class"] = "rviz_default_plugins/Measur"


def double_name(document):
    displays(document)[1]["Name"] = displays(document)[2]["Name"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_key, "/Grid: unknown key 'Cell Sze'; did you mean 'Cell Size'?"),
        (change_class, "/Store: unknown class 'rviz_default_plugins/MarkerArrays'; did you mean"),
        (change_policy, "/Store: Topic: unknown Reliability Policy 'reliable'; did you mean 'Reliable'?"),
        (change_alpha, "/Grid: Alpha is 40"),
        (drop_topic, "/Store: shows no topic"),
        (drop_frame, "no Fixed Frame"),
        (change_tool, "Tools: unknown class"),
        (double_name, "/Shoppers: two displays of this name"),
    ],
)
def test_each_mistake_is_named(document, tmp_path, change, message):
    change(document)
    mistakes = read(document, tmp_path).mistakes
    assert [mistake for mistake in mistakes if message in mistake], mistakes
    assert len(mistakes) == 1


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "other.yaml").write_text("a: 1")
    with pytest.raises(ValueError, match="not a configuration of RViz"):
        rviz_config.read(tmp_path / "other.yaml")


@pytest.fixture
def offers():
    return {
        "/markers/store": Offer(MARKERS, True, True, frozenset({"store"}), frozenset({"floor"})),
        "/markers/shoppers": Offer(MARKERS, True, False),
        "/markers/carts": Offer(MARKERS, True, False),
        "/camera/c1/image_raw": Offer("sensor_msgs/msg/Image", True, False),
    }


@pytest.mark.parametrize(
    ("topic", "offer", "message"),
    [
        ("/markers/store", None, "nobody publishes /markers/store"),
        ("/markers/store", Offer("visualization_msgs/msg/Marker", True, True), "the display shows"),
        ("/markers/store", Offer(MARKERS, True, False), "offered as Volatile"),
        ("/markers/shoppers", Offer(MARKERS, False, False), "offered as Best Effort"),
        ("/markers/shoppers", Offer(MARKERS, True, True), "ask for Transient Local"),
        ("/markers/carts", Offer(MARKERS, True, False, frozenset({"shop"})), "frame 'shop', which does not exist"),
    ],
)
def test_what_does_not_fit_the_graph_is_named(offers, topic, offer, message):
    config = rviz_config.read(ROOT / "rviz" / "store.rviz")
    assert rviz_config.compare(config, offers, {"store"}) == []
    changed = {**offers, topic: offer} if offer else {name: o for name, o in offers.items() if name != topic}
    problems = rviz_config.compare(config, changed, {"store"})
    assert len(problems) == 1, problems
    assert message in problems[0]
    assert any("fixed frame" in problem for problem in rviz_config.compare(config, offers, {"map"}))


def test_namespaces_of_a_display_exist(document, tmp_path, offers):
    displays(document)[1]["Namespaces"] = {"floor": True, "roof": True}
    problems = rviz_config.compare(read(document, tmp_path), offers, {"store"})
    assert problems == ["/Store: /markers/store has no namespace 'roof'"]


def test_the_foxglove_layout_shows_the_same_topics():
    layout = json.loads((ROOT / "rviz" / "store.foxglove.json").read_text())
    scene = layout["configById"]["3D!store"]
    config = rviz_config.read(ROOT / "rviz" / "store.rviz")
    markers = {display.topic for display in config.displays if display.topic.startswith("/markers/")}
    assert {topic for topic, entry in scene["topics"].items() if entry["visible"]} == markers
    assert scene["followTf"] == config.fixed_frame

    def panels(node):
        return [node] if isinstance(node, str) else panels(node["first"]) + panels(node["second"])

    assert sorted(panels(layout["layout"])) == sorted(layout["configById"])


def test_the_configuration_converted_for_rviz_1_shows_the_same_markers():
    relay = [sys.executable, str(ROOT / "scripts" / "rviz_relay.py"), "convert", str(ROOT / "rviz" / "store.rviz")]
    document = yaml.safe_load(subprocess.run(relay, capture_output=True, text=True, check=True).stdout)
    shown = {d["Marker Topic"] for d in displays(document) if d["Class"] == "rviz/MarkerArray"}
    config = rviz_config.read(ROOT / "rviz" / "store.rviz")
    assert shown == {display.topic for display in config.displays if display.topic.startswith("/markers/")}
    assert "rviz_default_plugins" not in str(document)
