"""What the lifecycle manager decides, without ROS: which node to move next, and whether shoppers may enter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import ClassVar

UNKNOWN, UNCONFIGURED, INACTIVE, ACTIVE, FINALIZED = "unknown", "unconfigured", "inactive", "active", "finalized"

STORE_IS_UP = "the store is up: every core node is active"
"""What the manager logs; launch files wait for it."""


class Level(IntEnum):
    """How well something is, numbered as in diagnostic_msgs."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


class Goal(Enum):
    """Where the nodes shall be."""

    UP = "up"
    DOWN = "down"


class Transition(IntEnum):
    """A change of state, numbered as in lifecycle_msgs."""

    CONFIGURE = 1
    CLEANUP = 2
    ACTIVATE = 3
    DEACTIVATE = 4


_LEADS_TO = {
    Transition.CONFIGURE: INACTIVE,
    Transition.CLEANUP: UNCONFIGURED,
    Transition.ACTIVATE: ACTIVE,
    Transition.DEACTIVATE: INACTIVE,
}


@dataclass(frozen=True)
class SupervisionParameters:
    """How the manager watches.

    Attributes:
        heartbeat_s: a node that has not reported for this long does not work any more.
        retry_s: a node that refused a transition is asked again after this time.
    """

    heartbeat_s: float = 8.0
    retry_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name in ("heartbeat_s", "retry_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: must be positive")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {"heartbeat_s": (2.0, 600.0), "retry_s": (0.5, 600.0)}


@dataclass(frozen=True)
class Health:
    """How the store is. ``admitting`` is whether shoppers may enter; ``reasons`` say what is wrong, worst first."""

    level: Level
    admitting: bool
    reasons: tuple[str, ...]
    nodes: Mapping[str, str]

    @property
    def message(self) -> str:
        """One line for people."""
        return "; ".join(self.reasons) or "ready"


@dataclass
class _Managed:
    """A managed node as last heard of."""

    state: str = UNKNOWN
    heard_ns: int = 0
    asked: Transition | None = None
    asked_ns: int = 0
    not_before_ns: int = 0
    life: tuple[int, int] = (0, 0)
    error: str = ""
    warning: str = ""


@dataclass
class _Other:
    """Any other node that reports."""

    level: Level = Level.OK
    message: str = ""
    heard_ns: int = 0


class Supervisor:
    """Brings the managed nodes up in the order given, notices which have died, takes them down in reverse.

    Times are nanoseconds of a clock that never jumps.
    """

    def __init__(self, parameters: SupervisionParameters, order: Iterable[str], goal: Goal = Goal.UP) -> None:
        """Manage the nodes named in ``order``."""
        self._p = parameters
        self._nodes = {name: _Managed() for name in order}
        self._others: dict[str, _Other] = {}
        self.goal = goal
        self.paused = False

    def heard(
        self,
        name: str,
        state: str,
        level: Level,
        message: str,
        now_ns: int,
        life: tuple[int, int] = (0, 0),
        warning: str = "",
    ) -> None:
        """Take a node's report, its heartbeat. ``warning`` is what a managed node warns of and people should know.

        ``state`` is empty for nodes that are not managed. ``life`` is when the node was started and how often its
        state has changed since: reports and answers overtake each other, and old ones must not count.
        """
        node = self._nodes.get(name)
        if node is None:
            self._others[name] = _Other(level, message, now_ns)
            return
        if life[0] < node.life[0]:
            return  # the last words of a process that was replaced
        node.heard_ns = now_ns
        node.error = message if level >= Level.ERROR else ""
        node.warning = warning
        if life[0] > node.life[0]:
            node.asked = None  # a new process: it owes no answer
        if node.asked is None and state and life >= node.life:
            node.state, node.life = state, life

    def next(self, now_ns: int) -> tuple[str, Transition] | None:
        """Return what to ask of which node next, or None. What is returned counts as asked until ``answered``."""
        self._forget_the_dead(now_ns)
        found = self._next_up(now_ns) if self.goal is Goal.UP else self._next_down(now_ns)
        if found is not None:
            node = self._nodes[found[0]]
            node.asked, node.asked_ns = found[1], now_ns
        return found

    def answered(self, name: str, transition: Transition, success: bool, now_ns: int) -> None:
        """Take the answer to a transition; a refused one is tried again later."""
        node = self._nodes[name]
        node.asked = None
        if success:
            node.state, node.heard_ns = _LEADS_TO[transition], now_ns
            node.life = (node.life[0], node.life[1] + 1)
        else:
            node.state, node.not_before_ns = UNKNOWN, now_ns + int(self._p.retry_s * 1e9)

    @property
    def reached(self) -> bool:
        """Whether every node is where it shall be."""
        wanted = ACTIVE if self.goal is Goal.UP else UNCONFIGURED
        return all(node.state == wanted for node in self._nodes.values())

    def health(self, now_ns: int) -> Health:
        """Return how the store is."""
        self._forget_the_dead(now_ns)
        errors = [f"{name} is {self._word(node)}" for name, node in self._nodes.items() if node.state != ACTIVE]
        errors += [f"{name}: {node.error}" for name, node in self._nodes.items() if node.state == ACTIVE and node.error]
        active = [(name, node) for name, node in self._nodes.items() if node.state == ACTIVE]
        warnings = [f"{name}: {node.warning}" for name, node in active if node.warning]
        warnings += [self._complaint(name, other, now_ns) for name, other in self._others.items()]
        warnings = [text for text in warnings if text]
        if self.goal is Goal.DOWN:
            errors.insert(0, "the store is shut down")
        elif self.paused:
            warnings.insert(0, "the store is paused: nobody is admitted")
        level = Level.ERROR if errors else Level.WARN if warnings else Level.OK
        nodes = {name: node.state for name, node in self._nodes.items()}
        nodes |= {name: other.level.name.lower() for name, other in self._others.items()}
        admitting = not errors and not self.paused
        return Health(level, admitting, (*errors, *warnings), nodes)

    def _word(self, node: _Managed) -> str:
        return "not there" if node.state == UNKNOWN else node.state

    def _complaint(self, name: str, other: _Other, now_ns: int) -> str:
        if now_ns - other.heard_ns > self._p.heartbeat_s * 1e9:
            return f"{name} is silent"
        return f"{name}: {other.message}" if other.level >= Level.WARN else ""

    def _forget_the_dead(self, now_ns: int) -> None:
        for node in self._nodes.values():
            if now_ns - node.heard_ns > self._p.heartbeat_s * 1e9:
                node.state, node.asked, node.error = UNKNOWN, None, ""
            elif node.asked is not None and now_ns - node.asked_ns > self._p.heartbeat_s * 1e9:
                node.asked = None  # the answer is lost, with the process that owed it; its reports say what is true

    def _next_up(self, now_ns: int) -> tuple[str, Transition] | None:
        """Configure whoever needs it; activate in order, each after all before it."""
        for name, node in self._nodes.items():
            if node.state == UNCONFIGURED and self._may_ask(node, now_ns):
                return name, Transition.CONFIGURE
        for name, node in self._nodes.items():
            if node.state == INACTIVE and self._may_ask(node, now_ns):
                return name, Transition.ACTIVATE
            if node.state != ACTIVE:
                return None
        return None

    def _next_down(self, now_ns: int) -> tuple[str, Transition] | None:
        """Deactivate in reverse order, each after all behind it; then clean up in the same order."""
        reverse = list(reversed(self._nodes.items()))
        for transition, state in ((Transition.DEACTIVATE, ACTIVE), (Transition.CLEANUP, INACTIVE)):
            for name, node in reverse:
                if node.state == state:
                    return (name, transition) if self._may_ask(node, now_ns) else None
        return None

    def _may_ask(self, node: _Managed, now_ns: int) -> bool:
        return node.asked is None and now_ns >= node.not_before_ns
