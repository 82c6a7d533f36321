"""The lifecycle manager's decisions: order, deaths, refusals, and when shoppers may enter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walkout.ros.supervision import (
    ACTIVE,
    INACTIVE,
    UNCONFIGURED,
    Goal,
    Level,
    SupervisionParameters,
    Supervisor,
    Transition,
)

ORDER = ("carts", "tracker", "gate")
S = 1_000_000_000


class Graph:
    """Nodes that do as they are told, and what was done to them."""

    def __init__(self, order=ORDER, goal=Goal.UP) -> None:
        self.supervisor = Supervisor(SupervisionParameters(heartbeat_s=8.0, retry_s=5.0), order, goal)
        self.states = dict.fromkeys(order, UNCONFIGURED)
        self.alive = set(order)
        self.errors = {}
        self.lives = dict.fromkeys(order, (1, 0))
        self.now_ns = 0
        self.done = []

    def beat(self, seconds=1.0) -> None:
        """Let time go by, all nodes that live report, everything that is asked is done."""
        self.now_ns += int(seconds * S)
        for name in sorted(self.alive):
            level = Level.ERROR if name in self.errors else Level.OK
            life = self.lives.get(name, (0, 0))
            self.supervisor.heard(name, self.states.get(name, ""), level, self.errors.get(name, ""), self.now_ns, life)
        while move := self.supervisor.next(self.now_ns):
            self.obey(*move)

    def obey(self, name, transition) -> None:
        self.done.append((name, transition))
        goes = {Transition.CONFIGURE: INACTIVE, Transition.ACTIVATE: ACTIVE, Transition.DEACTIVATE: INACTIVE}
        if name in self.alive:
            self.states[name] = goes.get(transition, UNCONFIGURED)
            self.lives[name] = (self.lives[name][0], self.lives[name][1] + 1)
            self.supervisor.answered(name, transition, True, self.now_ns)

    def restart(self, name) -> None:
        """Start a node anew, dead or alive."""
        self.alive.add(name)
        self.states[name] = UNCONFIGURED
        self.lives[name] = (self.lives[name][0] + 1, 0)

    def moves(self, transition):
        return [name for name, done in self.done if done is transition]

    def health(self):
        return self.supervisor.health(self.now_ns)


def test_all_are_configured_then_activated_in_order_and_the_store_admits():
    graph = Graph()
    assert not graph.health().admitting
    graph.beat()
    assert graph.moves(Transition.CONFIGURE) == list(ORDER)
    assert graph.moves(Transition.ACTIVATE) == list(ORDER)
    assert graph.supervisor.reached
    assert graph.health().admitting
    assert graph.health().message == "ready"


def test_nobody_is_activated_before_those_it_needs():
    graph = Graph()
    graph.alive = {"tracker", "gate"}
    graph.beat()
    assert graph.moves(Transition.ACTIVATE) == []
    assert "carts is not there" in graph.health().message
    graph.alive = set(ORDER)
    graph.beat()
    assert graph.moves(Transition.ACTIVATE) == list(ORDER)


def test_a_node_that_died_closes_the_gate_and_is_brought_up_again():
    graph = Graph()
    graph.beat()
    graph.alive.discard("tracker")
    for _ in range(9):
        graph.beat()
    assert graph.health().reasons == ("tracker is not there",)
    assert not graph.health().admitting
    graph.done.clear()
    graph.restart("tracker")
    graph.beat()
    assert graph.done == [("tracker", Transition.CONFIGURE), ("tracker", Transition.ACTIVATE)]
    assert graph.health().admitting


def test_a_quick_restart_is_noticed_by_its_first_report():
    graph = Graph()
    graph.beat()
    graph.restart("carts")
    graph.supervisor.heard("carts", UNCONFIGURED, Level.OK, "", graph.now_ns, graph.lives["carts"])
    assert not graph.health().admitting
    graph.beat()
    assert graph.health().admitting


def test_an_answer_that_never_comes_does_not_hold_the_store_up_for_ever():
    graph = Graph()
    graph.supervisor.heard("carts", UNCONFIGURED, Level.OK, "", 0)
    assert graph.supervisor.next(0) == ("carts", Transition.CONFIGURE)
    for _ in range(9):  # the process died with the request and was started again at once
        graph.beat()
    assert graph.supervisor.reached


def test_a_report_that_the_answer_has_overtaken_does_not_count():
    graph = Graph(("carts",))
    graph.beat()
    graph.supervisor.heard("carts", INACTIVE, Level.OK, "", graph.now_ns, (1, 1))
    assert graph.supervisor.next(graph.now_ns) is None
    assert graph.supervisor.reached


def test_the_last_words_of_a_replaced_process_do_not_count():
    graph = Graph(("carts",))
    graph.beat()
    graph.restart("carts")
    graph.supervisor.heard("carts", UNCONFIGURED, Level.OK, "", graph.now_ns, (2, 0))
    graph.supervisor.heard("carts", ACTIVE, Level.OK, "", graph.now_ns, (1, 2))
    assert not graph.health().admitting
    graph.beat()
    assert graph.health().admitting


def test_a_new_process_owes_no_answer_to_its_predecessor():
    graph = Graph(("carts",))
    graph.supervisor.heard("carts", UNCONFIGURED, Level.OK, "", 0, (1, 0))
    assert graph.supervisor.next(0) == ("carts", Transition.CONFIGURE)
    graph.restart("carts")
    graph.beat()
    assert graph.health().admitting


def test_what_somebody_else_does_to_a_node_is_noticed():
    graph = Graph(("carts",))
    graph.beat()
    graph.states["carts"], graph.lives["carts"] = INACTIVE, (1, 3)  # ros2 lifecycle set /carts deactivate
    graph.beat()
    assert graph.moves(Transition.ACTIVATE) == ["carts", "carts"]
    assert graph.health().admitting


def test_a_refusal_is_retried_after_a_while():
    graph = Graph(("carts",))
    graph.supervisor.heard("carts", UNCONFIGURED, Level.OK, "", 0)
    name, transition = graph.supervisor.next(0)
    graph.supervisor.answered(name, transition, False, 0)
    graph.supervisor.heard("carts", UNCONFIGURED, Level.OK, "", S)
    assert graph.supervisor.next(4 * S) is None
    graph.supervisor.heard("carts", UNCONFIGURED, Level.OK, "", 5 * S)
    assert graph.supervisor.next(5 * S) == ("carts", Transition.CONFIGURE)


def test_down_goes_in_reverse_and_up_again():
    graph = Graph()
    graph.beat()
    graph.done.clear()
    graph.supervisor.goal = Goal.DOWN
    graph.beat()
    backwards = list(reversed(ORDER))
    assert graph.done == [(name, t) for t in (Transition.DEACTIVATE, Transition.CLEANUP) for name in backwards]
    assert graph.supervisor.reached
    assert graph.health().reasons[0] == "the store is shut down"
    graph.supervisor.goal = Goal.UP
    graph.beat()
    assert graph.health().admitting


def test_pause_admits_nobody_and_moves_nothing():
    graph = Graph()
    graph.beat()
    graph.done.clear()
    graph.supervisor.paused = True
    graph.beat()
    assert graph.done == []
    assert (graph.health().admitting, graph.health().level) == (False, Level.WARN)


def test_an_error_of_a_core_node_closes_the_gate_and_one_of_a_sensor_only_warns():
    graph = Graph()
    graph.errors["carts"] = "ledger: read-only"
    graph.beat()
    assert not graph.health().admitting
    assert graph.health().message == "carts: ledger: read-only"
    graph.errors = {"camera_driver_c1": "no device"}
    graph.alive.add("camera_driver_c1")
    graph.beat()
    assert graph.health().admitting
    assert (graph.health().level, graph.health().message) == (Level.WARN, "camera_driver_c1: no device")
    graph.alive.discard("camera_driver_c1")
    for _ in range(9):
        graph.beat()
    assert graph.health().message == "camera_driver_c1 is silent"


def test_what_a_core_node_warns_of_is_told_and_everybody_is_admitted():
    graph = Graph()
    graph.beat()
    graph.beat()
    told = "camera c2 has moved"
    graph.supervisor.heard("tracker", ACTIVE, Level.WARN, told, graph.now_ns, graph.lives["tracker"], told)
    assert (graph.health().level, graph.health().message) == (Level.WARN, "tracker: camera c2 has moved")
    assert graph.health().admitting
    graph.beat()
    assert (graph.health().level, graph.health().message) == (Level.OK, "ready")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["die", "start", "up", "down", "wait"]), st.sampled_from(ORDER)), max_size=40)
)
def test_whatever_happens_the_store_admits_only_with_every_core_node_active_and_comes_back(events):
    graph = Graph()
    for what, name in events:
        if what == "die":
            graph.alive.discard(name)
        elif what == "start":
            graph.restart(name)
        elif what in ("up", "down"):
            graph.supervisor.goal = Goal(what)
        graph.beat(3.0)
        if graph.health().admitting:
            recently_dead = set(ORDER) - graph.alive
            assert all(graph.states[n] == ACTIVE for n in ORDER if n not in recently_dead)
    for name in set(ORDER) - graph.alive:
        graph.restart(name)
    graph.supervisor.goal = Goal.UP
    for _ in range(12):
        graph.beat()
    assert graph.health().admitting


@pytest.mark.parametrize("name", ["heartbeat_s", "retry_s"])
def test_times_must_be_positive(name):
    with pytest.raises(ValueError, match=f"{name} is 0.0: must be positive"):
        SupervisionParameters(**{name: 0.0})
