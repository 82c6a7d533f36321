"""The description of a store as immutable data: layout, cameras, catalogue and planogram.

Frames (REP 103, metres, radians): ``store`` has z up and its origin on the floor. A fixture's frame lies on the floor
at the centre of its footprint, x pointing out of its front, y to the left of somebody who stands in it and looks out
(so a shopper who faces the fixture sees y grow to the right), z up. A shelf's frame is the centre of the top of its
board; a lane's frame is the centre of the top of its load-cell plate. All are turned like the fixture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class FixtureType(Enum):
    """What a fixture is; decides its look, its sensors and how shoppers use it."""

    GONDOLA = "gondola"
    FRIDGE = "fridge"
    COFFEE_MACHINE = "coffee_machine"
    GATE = "gate"
    WALL = "wall"


class GateDirection(Enum):
    """Which way a gate lets people through."""

    ENTRY = "entry"
    EXIT = "exit"


class ProductShape(Enum):
    """The outline of a product's packaging; its label wraps around it."""

    BOX = "box"
    CAN = "can"
    BOTTLE = "bottle"
    BAG = "bag"
    CUP = "cup"


class ZoneKind(Enum):
    """What a floor zone means to the tracker and to the carts."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True)
class Pose2:
    """A pose on the floor: x, y in metres and yaw in radians, counter-clockwise from the store's x axis."""

    x: float
    y: float
    yaw: float = 0.0

    @cached_property
    def matrix(self) -> FloatArray:
        """Return the (4, 4) transform from this pose's frame into the store frame."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([[cos, -sin, 0, self.x], [sin, cos, 0, self.y], [0, 0, 1, 0], [0, 0, 0, 1.0]])


@dataclass(frozen=True)
class Lane:
    """A strip of a shelf that holds one product and rests on one load-cell plate.

    ``lane_id`` is ``<fixture>/<shelf>/<lane>`` and names the plate too; ``y`` is the lane's centre along the shelf.
    """

    lane_id: str
    index: int
    y: float
    width: float
    depth: float


@dataclass(frozen=True)
class Shelf:
    """A board of a fixture: ``z`` is the height of its top above the floor, ``x`` the centre of its depth."""

    index: int
    x: float
    z: float
    width: float
    depth: float
    clearance: float
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class Fixture:
    """Something that stands on the floor. ``size`` is (depth along x, width along y, height) in metres."""

    fixture_id: str
    type: FixtureType
    pose: Pose2
    size: tuple[float, float, float]
    shelves: tuple[Shelf, ...] = ()
    direction: GateDirection | None = None
    has_door: bool = False

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """All lanes in plate order: shelves from the lowest, lanes along +y. Column order of the shelf readings."""
        return tuple(lane for shelf in self.shelves for lane in shelf.lanes)

    @property
    def frame_id(self) -> str:
        """The name of the fixture's TF frame."""
        return f"fixture_{self.fixture_id}"


@dataclass(frozen=True)
class Camera:
    """A calibrated camera. Pixel (0, 0) is the centre of the top-left pixel.

    ``matrix`` is the (3, 3) intrinsic matrix K, ``distortion`` OpenCV's plumb_bob (k1, k2, p1, p2, k3),
    ``position`` and ``rotation`` (3, 3) give the pose of the optical frame (x right, y down, z forward) in the store.
    """

    camera_id: str
    width: int
    height: int
    matrix: FloatArray
    distortion: FloatArray
    position: FloatArray
    rotation: FloatArray
    source: str
    rate_hz: float = 10.0

    @cached_property
    def projection(self) -> FloatArray:
        """Return the (3, 4) matrix from homogeneous store metres to undistorted pixels."""
        rotation = self.rotation.T
        return self.matrix @ np.column_stack([rotation, -rotation @ self.position])

    @property
    def frame_id(self) -> str:
        """The name of the optical TF frame, which images are stamped with."""
        return f"camera_{self.camera_id}_optical"


@dataclass(frozen=True)
class Zone:
    """A convex polygon on the floor, (n, 2) store metres, counter-clockwise, tied to a gate when it has one."""

    zone_id: str
    kind: ZoneKind
    polygon: tuple[tuple[float, float], ...]
    gate_id: str | None = None


@dataclass(frozen=True)
class Product:
    """A catalogue entry. ``size`` is (depth, width, height) in metres as it stands in its lane."""

    sku: str
    gtin: str
    name: str
    brand: str
    category: str
    price_minor: int
    tax_percent: float
    weight_g: float
    weight_sd_g: float
    size: tuple[float, float, float]
    shape: ProductShape
    image: str
    family: str = ""
    age_restricted: bool = False
    sold_by_weight: bool = False
    fridge: bool = False


@dataclass(frozen=True)
class Facing:
    """What the planogram puts into a lane: ``columns`` side by side, ``depth_count`` behind each other at most."""

    lane_id: str
    sku: str
    columns: int
    depth_count: int

    @property
    def capacity(self) -> int:
        """How many pieces fill the lane."""
        return self.columns * self.depth_count


@dataclass(frozen=True)
class LaneSite:
    """A lane with its place: the fixture, shelf and the (4, 4) transform from the lane's frame into the store."""

    lane: Lane
    shelf: Shelf
    fixture: Fixture
    transform: FloatArray = field(repr=False)

    @property
    def position(self) -> FloatArray:
        """The lane frame's origin, (3,) store metres."""
        return self.transform[:3, 3]

    @property
    def frame_id(self) -> str:
        """The name of the lane's TF frame."""
        return f"lane_{self.fixture.fixture_id}_{self.shelf.index}_{self.lane.index}"


@dataclass(frozen=True)
class Store:
    """A whole store. Floor is the rectangle (x_min, y_min, x_max, y_max) in metres; currency is ISO 4217."""

    store_id: str
    name: str
    currency: str
    floor: tuple[float, float, float, float]
    ceiling: float
    fixtures: tuple[Fixture, ...]
    cameras: tuple[Camera, ...]
    zones: tuple[Zone, ...]
    products: tuple[Product, ...]
    facings: tuple[Facing, ...]
    directory: str = ""

    @cached_property
    def product_by_sku(self) -> dict[str, Product]:
        """Products by SKU."""
        return {product.sku: product for product in self.products}

    @cached_property
    def facing_by_lane(self) -> dict[str, Facing]:
        """Facings by lane id."""
        return {facing.lane_id: facing for facing in self.facings}

    @cached_property
    def fixture_by_id(self) -> dict[str, Fixture]:
        """Fixtures by id."""
        return {fixture.fixture_id: fixture for fixture in self.fixtures}

    @cached_property
    def camera_by_id(self) -> dict[str, Camera]:
        """Cameras by id."""
        return {camera.camera_id: camera for camera in self.cameras}

    @cached_property
    def lane_sites(self) -> dict[str, LaneSite]:
        """Every lane with its place, by lane id."""
        return {
            lane.lane_id: LaneSite(lane, shelf, fixture, _lane_transform(fixture, shelf, lane))
            for fixture in self.fixtures
            for shelf in fixture.shelves
            for lane in shelf.lanes
        }

    def gates(self, direction: GateDirection) -> tuple[Fixture, ...]:
        """Return the gates of one direction."""
        return tuple(f for f in self.fixtures if f.type is FixtureType.GATE and f.direction is direction)


def _lane_transform(fixture: Fixture, shelf: Shelf, lane: Lane) -> FloatArray:
    local = np.eye(4)
    local[:3, 3] = (shelf.x, lane.y, shelf.z)
    return fixture.pose.matrix @ local
