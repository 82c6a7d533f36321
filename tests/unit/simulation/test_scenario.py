from pathlib import Path

import pytest
from worlds import store

from walkout.simulation.scenario import ActionKind, Payment, ScenarioError, Suite, load_scenario, scenario_folder

HEAD = "store: kiosk\n"


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    return file


def message(tmp_path: Path, text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write(tmp_path, text), store("kiosk"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


SUITE = scenario_folder() / "suite"


@pytest.mark.parametrize("file", sorted(scenario_folder().rglob("*.yaml")), ids=lambda file: file.stem)
def test_the_scenarios_that_come_with_the_package_are_valid(file: Path) -> None:
    name = load_scenario(file).store
    scenario = load_scenario(str(file.relative_to(scenario_folder()).with_suffix("")), store(name))
    assert scenario.arrivals or scenario.flow
    assert (scenario.suite is not None) == (file.parent == SUITE), "what is in the suite names its class and seeds"
    assert scenario.suite is None or scenario.seed in scenario.suite.seeds


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    text = (
        HEAD
        + """
name: everything
description: all fields
suite: {class: all of it, seeds: [5000, 5001]}
seed: 4
duration_s: 90
lighting: {brightness: 0.8, warmth: 0.3, key_direction: [0.1, 0.2, 0.9]}
fill: [0.3, 0.7]
load_cells: {noise_g: 1.0, noisy_share: 0.1, quantisation_g: 0.5}
behaviours:
  quick: {items: [1, 2], put_back_probability: 0.4, categories: [snacks]}
arrivals:
  - {at_s: 5, behaviour: quick, payment: declined, speed_m_s: 1.1}
  - at_s: 1
    token: my-card
    payment: staff
    body: 2
    script:
      - take: {sku: chocolate-dark, quantity: 2}
      - take: {lane: g1/0/0}
      - put_back: {sku: chocolate-dark}
      - put_back_elsewhere: {sku: chocolate-dark, lane: g2/0/0}
      - touch: {lane: g1/1/1}
      - wait_s: 2.5
      - look: {fixture: g1, seconds: 1}
      - walk: [1.5, 1.2]
      - leave
"""
    )
    categories = sorted({product.category for product in store("kiosk").products})
    scenario = load_scenario(write(tmp_path, text.replace("snacks", categories[0])), store("kiosk"))
    assert [arrival.at_s for arrival in scenario.arrivals] == [1.0, 5.0]
    first, second = scenario.arrivals
    assert first.script is not None
    assert [action.kind for action in first.script] == [
        ActionKind.TAKE,
        ActionKind.TAKE,
        ActionKind.PUT_BACK,
        ActionKind.PUT_BACK_ELSEWHERE,
        ActionKind.TOUCH,
        ActionKind.WAIT,
        ActionKind.LOOK,
        ActionKind.WALK,
        ActionKind.LEAVE,
    ]
    assert (first.payment, first.token, first.body) == (Payment.STAFF, "my-card", 2)
    assert second.behaviour.items == (1, 2)
    assert second.behaviour.speed_m_s == (1.1, 1.1)
    assert scenario.load_cells.noise_g == (1.0, 1.0)
    assert scenario.suite == Suite("all of it", (5000, 5001))
    assert (scenario.seed, scenario.duration_s, scenario.fill) == (4, 90.0, (0.3, 0.7))


def arrival(fields: str) -> str:
    return f"{HEAD}arrivals:\n  - {{at_s: 1, {fields}}}\n"


def script(action: str) -> str:
    return arrival(f"script: [{{{action}}}]")


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        (script("take: {sku: choclate-dark}"), 3, ["not in the catalogue", "did you mean 'chocolate-dark'"]),
        (script("take: {lane: g1/9/9}"), 3, ["lane 'g1/9/9'", "<fixture>/<shelf>/<lane>"]),
        (script("take: {sku: honey-forest, lane: g1/0/0}"), 3, ["holds 'nuts-peanuts'", "g1/1/3"]),
        (script("put_back: {sku: honey-forest}"), 3, ["holds 0", "take it first"]),
        (script("dance: 3"), 3, ["dance", "is not a known key"]),
        (script("look: {fixture: g7}"), 3, ["'g7'", "use one of g1"]),
        (arrival("behavior: {}"), 3, ["behavior: is not a known key", "did you mean 'behaviour'"]),
        (arrival("payment: gold"), 3, ["ok, declined, staff"]),
        (arrival("behaviour: nobody"), 3, ["'nobody'", "use one of default"]),
        (HEAD + "arrivals:\n  - at_s: -3\n", 3, ["arrivals[0].at_s", "'-3' is out of range", "from 0"]),
        (HEAD + "arrivals:\n  - at_s: soon\n", 3, ["must be a number, not 'soon'"]),
        (HEAD + "seed: 1\nseed: 2\narrivals: []\n", 3, ["is written twice"]),
        (HEAD + "fill: [0.9, 0.1]\narrivals: []\n", 2, ["not an interval"]),
        (HEAD + "load_cells: {noise: 3}\narrivals: []\n", 2, ["did you mean 'noise_g'"]),
        (HEAD + "arrivals: {rate_per_minute: 0}\n", 2, ["arrivals.rate_per_minute", "0.01"]),
        (HEAD + "lighting: {key_direction: [0, 0, -1]}\narrivals: []\n", 2, ["z above 0"]),
        (HEAD + "suite: {class: a, seeds: [4]}\narrivals: []\n", 2, ["suite.seeds[0]", "from 5000", "not '4'"]),
        (HEAD + "suite: {class: a, seeds: [5000, 5000]}\narrivals: []\n", 2, ["repeats a seed"]),
        (HEAD + "suite: {seeds: [5000]}\narrivals: []\n", 2, ["suite: 'class' is missing"]),
        (script("restock: {lane: g1/0/0}"), 3, ["not of the staff", "payment: staff"]),
        (script("hand_over: {sku: honey-forest, to: ben}"), 3, ["cannot hand over", "holds 0"]),
        (script("receive: {sku: honey-forest, from: ben}"), 3, ["nobody is called 'ben'", "name: ben"]),
        (script("meet: here"), 3, ["nobody else comes to the meeting 'here'"]),
        (script("pick_up: {sku: honey-forest}"), 3, ["nobody drops 'honey-forest'"]),
        (script("hold_door: {fixture: g1}"), 3, ["'g1' has no door"]),
        (script("brew: {sku: honey-forest}"), 3, ["no coffee machine"]),
        (script("take: {sku: nuts-peanuts, quantity: 3, together: true}"), 3, ["in one grasp", "one hand holds"]),
        (script("take: {lane: g1/0/0, quantity: 20}"), 3, ["hold", "at most"]),
        (script("walk: [40, 1]"), 3, ["nobody can get to [40.0, 1.0]"]),
        (script("take: {lane: g1/0/0, stand_m: 3}"), 3, ["stand_m", "from -0.42 to 0.42"]),
        (arrival("tailgaters: [{at_s: 3}]"), 3, ["tailgaters[0].at_s", "is not a known key"]),
        (arrival("payment: declined, tailgaters: [{}]"), 3, ["nobody to follow"]),
        (HEAD + "most_people: 60\narrivals: []\n", 2, ["free floor of store 'kiosk' holds"]),
        (HEAD + "stocked: {g9/0/0: ~}\narrivals: []\n", 2, ["lane 'g9/0/0' is not in store"]),
        (HEAD + "stocked: {g1/0/0: tea}\narrivals: []\n", 2, ["'tea' is not in the catalogue"]),
        (HEAD + "stocked: {g1/0/0: {sku: honey-forest, count: 99}}\narrivals: []\n", 2, ["which holds"]),
        (HEAD + "faults: [{camera_lost: {camera: c77}}]\narrivals: []\n", 2, ["'c77' is not known", "use one of c1"]),
        (HEAD + "faults: [{drift: {lane: g1/0/0}}]\narrivals: []\n", 2, ["'grams_per_minute' is missing"]),
        (HEAD + "faults: [{plate_dead: {lane: g1/0/0, from_s: 5, to_s: 4}}]\narrivals: []\n", 2, ["not after from_s"]),
        (HEAD + "faults: [{clock_skew: {seconds: 1}}]\narrivals: []\n", 2, ["name one device"]),
        (HEAD + "lighting: {flicker: {hz: 3}}\narrivals: []\n", 2, ["flicker: 'depth' is missing"]),
        ("store: corner\narrivals: []\n", 1, ["the store is 'kiosk'"]),
        ("arrivals: []\n", 1, ["'store' is missing"]),
        ("store: kiosk\narrivals: [\n", 3, ["not valid YAML"]),
        ("just words\n", 1, ["no 'key: value' lines"]),
    ],
)
def test_a_mistake_is_one_line_with_file_line_field_and_remedy(
    tmp_path: Path, text: str, line: int, parts: list[str]
) -> None:
    told = message(tmp_path, text)
    assert f"s.yaml:{line}:" in told
    for part in parts:
        assert part in told
    assert ";" in told, "a remedy follows"


def test_a_scenario_that_is_not_there() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'three_shoppers'"):
        load_scenario("three_shopers")
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario("/nowhere/x.yaml")


def test_an_empty_file(tmp_path: Path) -> None:
    assert "no 'key: value' lines" in message(tmp_path, "")


CHILD = """
arrivals:
  - at_s: 1
    companions:
      - {child: true, script: [{take: {lane: LANE}}]}
"""


def test_a_child_reaches_only_low_shelves(tmp_path: Path) -> None:
    file = write(tmp_path, "store: corner" + CHILD.replace("LANE", "g1/4/0"))
    with pytest.raises(ScenarioError, match=r"lane 'g1/4/0' is 1.4 m high; a child reaches 1.2 m"):
        load_scenario(file, store("corner"))
    load_scenario(write(tmp_path, "store: corner" + CHILD.replace("LANE", "g1/2/0")), store("corner"))


PASS = """
arrivals:
  - {at_s: 1, name: ann, script: [{take: {sku: honey-forest}}, {hand_over: {sku: honey-forest, to: ben}}]}
  - {at_s: 2, name: ben, script: [RECEIVE]}
"""


def test_who_hands_over_needs_somebody_who_receives(tmp_path: Path) -> None:
    wrong = HEAD + PASS.replace("RECEIVE", "{wait_s: 3}")
    assert "'ben' does not receive 'honey-forest'" in message(tmp_path, wrong)
    right = HEAD + PASS.replace("RECEIVE", "{receive: {sku: honey-forest, from: ann}}")
    scenario = load_scenario(write(tmp_path, right), store("kiosk"))
    assert [person.name for person in scenario.people()] == ["ann", "ben"]


def test_a_lane_named_without_its_product_may_be_put_back_by_it(tmp_path: Path) -> None:
    text = script("take: {lane: g1/0/0}}, {put_back: {sku: nuts-peanuts}")
    load_scenario(write(tmp_path, text))
    load_scenario(write(tmp_path, text), store("kiosk"))
