"""Scenarios: who comes when, what they do, how they pay, and how good the sensors are.

``scenario`` reads them from YAML; ``docs/simulation.md`` lists the fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from walkout.simulation.scene import Lighting


class ActionKind(Enum):
    """What a scripted shopper can do."""

    TAKE = "take"
    PUT_BACK = "put_back"
    PUT_BACK_ELSEWHERE = "put_back_elsewhere"
    TOUCH = "touch"
    WAIT = "wait_s"
    LOOK = "look"
    WALK = "walk"
    LEAVE = "leave"
    MEET = "meet"
    HAND_OVER = "hand_over"
    RECEIVE = "receive"
    DROP = "drop"
    PICK_UP = "pick_up"
    RESTOCK = "restock"
    BREW = "brew"
    HOLD_DOOR = "hold_door"


class Payment(Enum):
    """What a shopper's token is worth to the payment provider."""

    OK = "ok"
    DECLINED = "declined"
    STAFF = "staff"


class Carried(Enum):
    """What a shopper brings along."""

    NOTHING = "nothing"
    BAG = "bag"
    TROLLEY = "trolley"


@dataclass(frozen=True)
class Action:
    """One step of a script. Which fields count depends on the kind.

    ``together`` takes all pieces in one grasp; ``hold_s`` is how long the hand holds the item on the shelf before;
    ``stand_m`` is where one stands, in metres to the right of the lane; ``meet`` names a meeting: whoever has the same
    one acts at the same moment; ``person`` is the other one's name; ``door_open_s`` is how long the fridge's door stays
    open afterwards.
    """

    kind: ActionKind
    sku: str = ""
    lane_id: str = ""
    quantity: int = 1
    seconds: float = 0.0
    fixture_id: str = ""
    point: tuple[float, float] = (0.0, 0.0)
    together: bool = False
    hold_s: float = 0.0
    stand_m: float | None = None
    meet: str = ""
    person: str = ""
    door_open_s: float = 0.0


@dataclass(frozen=True)
class Behaviour:
    """A mix that shoppers without a script draw their visit from. Intervals are inclusive."""

    items: tuple[int, int] = (2, 5)
    multi_take_probability: float = 0.15
    put_back_probability: float = 0.0
    put_back_elsewhere_probability: float = 0.0
    touch_probability: float = 0.1
    browse_probability: float = 0.3
    dwell_s: tuple[float, float] = (0.4, 2.5)
    speed_m_s: tuple[float, float] = (0.75, 1.2)
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrival:
    """One shopper: when they come to the gate, how they pay, and a script or else a behaviour mix.

    ``companions`` come in behind on the same payment; ``tailgaters`` slip through the open gate on none. A companion
    who ``follows`` has no plan of their own and stays near the one they came with.
    """

    at_s: float
    behaviour: Behaviour = Behaviour()
    script: tuple[Action, ...] | None = None
    payment: Payment = Payment.OK
    token: str = ""
    body: int | None = None
    name: str = ""
    child: bool = False
    carries: Carried = Carried.NOTHING
    follows: bool = False
    companions: tuple[Arrival, ...] = ()
    tailgaters: tuple[Arrival, ...] = ()

    def party(self) -> Iterator[Arrival]:
        """Yield this arrival and all who come with it, in the order in which they come in."""
        yield self
        yield from self.tailgaters
        yield from self.companions


@dataclass(frozen=True)
class Flow:
    """Shoppers who keep coming: a Poisson stream of ``rate_per_minute``, ended by ``count`` when it is given."""

    rate_per_minute: float
    count: int | None = None
    first_at_s: float = 1.0
    behaviour: Behaviour = Behaviour()
    payment: Payment = Payment.OK


@dataclass(frozen=True)
class LoadCellOptions:
    """How good the load cells are, in grams. A share of the plates is noisy, as in real stores.

    ``door_slam_g`` is how hard a fridge's door shakes its plates when it falls shut.
    """

    noise_g: tuple[float, float] = (0.5, 1.4)
    noisy_share: float = 0.0
    noisy_g: float = 7.0
    drift_g_per_hour: float = 15.0
    cross_talk: tuple[float, float] = (0.01, 0.03)
    push_g: float = 130.0
    quantisation_g: float = 0.0
    door_slam_g: float = 0.0


@dataclass(frozen=True)
class CameraOptions:
    """What the cameras add to perfect pictures: ``noise`` in grey levels (sd), blur in pixels, vignette 0..1.

    Lamps that flicker lose ``flicker_depth`` of their light ``flicker_hz`` times a second; pictures are read out row by
    row, so fast flicker shows as bands.
    """

    noise: float = 0.0
    blur_px: float = 0.0
    vignette: float = 0.0
    flicker_depth: float = 0.0
    flicker_hz: float = 100.0

    @property
    def perfect(self) -> bool:
        """Whether pictures stay as they are rendered."""
        return self == CameraOptions()


class FaultKind(Enum):
    """What can be wrong with a sensor."""

    CAMERA_LOST = "camera_lost"
    PLATE_DEAD = "plate_dead"
    DRIFT = "drift"
    CLOCK_SKEW = "clock_skew"


@dataclass(frozen=True)
class Fault:
    """One faulty sensor between two times. ``device_id`` is a camera, fixture, gate or lane.

    ``amount`` is the drift in grams per minute or the skew in seconds (positive: the device's clock is ahead);
    ``reading`` is what a dead plate gives: ``nothing``, ``stuck`` or ``zero``.
    """

    kind: FaultKind
    device_id: str
    from_s: float = 0.0
    to_s: float = float("inf")
    amount: float = 0.0
    reading: str = "nothing"


@dataclass(frozen=True)
class Stocked:
    """What truly stands in a lane, whatever the planogram says: ``sku`` "" is an empty lane, ``count`` None is full."""

    lane_id: str
    sku: str
    count: int | None = None


@dataclass(frozen=True)
class Suite:
    """What makes a scenario a part of the evaluation suite: the class it stands for and the seeds to run it with."""

    name: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Scenario:
    """A validated scenario. ``duration_s`` None runs until everybody who comes has left.

    ``most_people`` is how many may be inside at once; more wait outside.
    """

    name: str
    store: str
    seed: int = 1
    duration_s: float | None = None
    description: str = ""
    lighting: Lighting = field(default_factory=Lighting)
    fill: tuple[float, float] = (0.6, 1.0)
    arrivals: tuple[Arrival, ...] = ()
    flow: Flow | None = None
    load_cells: LoadCellOptions = field(default_factory=LoadCellOptions)
    suite: Suite | None = None
    cameras: CameraOptions = field(default_factory=CameraOptions)
    faults: tuple[Fault, ...] = ()
    stocked: tuple[Stocked, ...] = ()
    most_people: int = 12

    def people(self) -> Iterator[Arrival]:
        """Yield everybody of the list of arrivals, companions and tailgaters included."""
        for arrival in self.arrivals:
            yield from arrival.party()
