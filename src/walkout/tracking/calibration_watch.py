"""The alarm for bumped cameras on the tracker's own data: detections and tracks in, a state per camera out."""

from __future__ import annotations

from collections.abc import Sequence

from walkout.geometry.drift import CameraDrift, DriftMonitor, DriftParameters
from walkout.perception.types import Detections
from walkout.store.model import Camera
from walkout.tracking.sightings import ShopperSightings
from walkout.tracking.types import Shoppers


class CalibrationWatch:
    """Pairs every camera's detections with the tracked shoppers and watches their residuals."""

    def __init__(self, cameras: Sequence[Camera], parameters: DriftParameters | None = None) -> None:
        self._sightings = ShopperSightings(cameras)
        self._monitor = DriftMonitor(cameras, parameters or DriftParameters())

    def clear(self) -> None:
        """Forget everything (the clock jumped back)."""
        self._sightings.clear()
        self._monitor.clear()

    def add_detections(self, detections: Detections) -> None:
        """Take the detections of one frame."""
        self._sightings.add_detections(detections)

    def add_shoppers(self, shoppers: Shoppers) -> list[CameraDrift]:
        """Take a snapshot of the tracks and return the state of every camera."""
        for sighting in self._sightings.add_shoppers(shoppers):
            self._monitor.add(sighting.camera_id, sighting.stamp_ns, sighting.seen, sighting.expected)
        return self._monitor.advance(shoppers.stamp_ns)


def drift_summary(states: Sequence[CameraDrift]) -> tuple[str, dict[str, str]]:
    """Return the alarm as one line with a remedy ("" when there is none) and the values for the diagnostics."""
    moved = [s.camera_id for s in states if s.alarm]
    values = {f"residual_{s.camera_id}_px": f"{s.median_px:.1f}" if s.samples else "unknown" for s in states}
    if not moved:
        return "", values
    several = len(moved) > 1
    return (
        f"camera{'s' if several else ''} {', '.join(moved)} {'have' if several else 'has'} moved: what is seen "
        "there lies apart from where the others see it; run 'walkout calibrate extrinsics'",
        values,
    )
