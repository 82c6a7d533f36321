"""Everything that can be set about the tracker."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any


def _setting(default: float, low: float, high: float, unit: str, description: str) -> Any:
    """Declare a field whose metadata carry unit, closed range and meaning (also read by the ROS parameter specs)."""
    return field(default=default, metadata={"unit": unit, "range": (low, high), "description": description})


@dataclass(frozen=True)
class TrackerParameters:
    """Parameters of ``MultiViewTracker``; each field's metadata carry its unit, closed range and description.

    Raises:
        ValueError: a value is not finite or outside its range; the message names the field and the range.
    """

    # Time
    output_period_s: float = _setting(0.1, 0.01, 10.0, "s", "Snapshots are taken at whole multiples of this period.")
    reorder_window_s: float = _setting(
        0.15, 0.0, 5.0, "s", "Detections wait this long (in capture time) for older ones of other cameras."
    )
    stall_s: float = _setting(
        2.0, 0.05, 60.0, "s", "Without detections the tracker follows the clock this far behind, so shoppers get lost."
    )
    clock_jump_s: float = _setting(
        2.0, 0.1, 3600.0, "s", "When most cameras' stamps fall back by more than this, the tracker starts afresh."
    )
    max_lead_s: float = _setting(
        5.0, 0.1, 3600.0, "s", "A camera whose stamps run further ahead of all others than this does not drive time."
    )

    # Motion
    acceleration_sd: float = _setting(1.5, 0.05, 20.0, "m/s^1.5", "Density of the white acceleration noise of walking.")
    velocity_decay_s: float = _setting(2.0, 0.1, 100.0, "s", "Time constant with which an unseen shopper slows down.")
    max_speed: float = _setting(2.5, 0.5, 10.0, "m/s", "Fastest walk: limits births, re-acquisition and velocity.")
    height_mean: float = _setting(1.70, 0.8, 2.2, "m", "Mean height of shoppers.")
    height_sd: float = _setting(0.15, 0.02, 0.6, "m", "Standard deviation of the height of shoppers.")
    height_drift: float = _setting(
        0.3, 0.0, 2.0, "m/s^0.5", "How fast the apparent height wanders (stooping, crouching)."
    )
    height_return_s: float = _setting(1.5, 0.1, 100.0, "s", "Time constant with which it returns to the stature.")
    place_floor_sd: float = _setting(
        0.035, 0.0, 0.5, "m", "Error of the published place that all views share and the filter does not know."
    )
    body_radius: float = _setting(0.24, 0.05, 0.6, "m", "Radius of the cylinder that stands for the trunk.")

    # Observation
    box_noise: float = _setting(0.06, 0.005, 0.5, "1", "Noise of a box edge as a fraction of the box's height.")
    pixel_noise: float = _setting(
        0.004, 0.0, 0.05, "1", "Noise of every edge and keypoint as a fraction of the image's width."
    )
    border_margin: float = _setting(
        0.006, 0.0, 0.1, "1", "A box edge nearer to the image border than this fraction of its width is cut off."
    )
    trunk_noise: float = _setting(
        0.08, 0.005, 0.5, "m", "How far hips and neck stand off the upright cylinder's axis (posture)."
    )
    limb_noise: float = _setting(0.17, 0.005, 0.5, "m", "How far head and feet stand off the cylinder's axis.")
    min_keypoint_confidence: float = _setting(0.3, 0.0, 1.0, "1", "Keypoints below this confidence are ignored.")
    min_score: float = _setting(0.25, 0.0, 1.0, "1", "Detections below this score are ignored.")
    robust_sigma: float = _setting(2.0, 0.5, 10.0, "1", "Residuals beyond this many sigma count linearly (Huber).")

    # Association
    gate_sigma: float = _setting(3.0, 1.0, 10.0, "1", "Gate on the root mean square of the normalised residuals.")
    appearance_weight: float = _setting(
        0.5, 0.0, 10.0, "1", "Weight of the clothing descriptor's distance in the association cost."
    )
    max_overlap_ratio: float = _setting(
        0.75, 0.3, 1.0, "1", "Of two boxes of one camera that overlap more (IoU), the weaker one is ignored."
    )

    rare_period_s: float = _setting(
        0.4, 0.0, 60.0, "s", "When a camera's frames are this far apart, frames of one instant are clustered first."
    )
    instant_s: float = _setting(
        0.1, 0.0, 1.0, "s", "Frames this close together are of one instant when frames are rare."
    )

    # Life
    birth_window_s: float = _setting(0.25, 0.0, 5.0, "s", "Views must agree on a birth within this.")
    birth_views: int = _setting(2, 1, 16, "1", "Views that must agree on a birth.")
    birth_gate_m: float = _setting(0.6, 0.1, 3.0, "m", "Largest distance on the floor of views that agree on a birth.")
    min_separation: float = _setting(0.30, 0.05, 2.0, "m", "No birth nearer to a live shopper than this.")
    confirm_hits: int = _setting(6, 1, 100, "1", "Updates by any camera that confirm a tentative shopper.")
    confirm_age_s: float = _setting(0.2, 0.0, 10.0, "s", "Age a tentative shopper must reach before it is confirmed.")
    detection_probability: float = _setting(
        0.9, 0.1, 0.999, "1", "Highest probability that a camera finds a visible shopper; what is lower is learnt."
    )
    existence_decay_s: float = _setting(
        0.4, 0.02, 10.0, "s", "How long a visible shopper must be missed by one camera for one full Bayes update."
    )
    stay_s: float = _setting(
        1000.0, 1.0, 1e6, "s", "Without entry zones, the mean time until a shopper leaves the scene, anywhere."
    )
    least_existence: float = _setting(
        0.0, 0.0, 1.0, "1", "Nobody is taken for less probably there than this when detections are given out."
    )
    lost_after_s: float = _setting(1.5, 0.1, 60.0, "s", "A shopper whom no camera has found for this long is lost.")
    lost_keep_s: float = _setting(300.0, 0.0, 86400.0, "s", "How long a lost shopper can be found again.")
    merge_distance: float = _setting(0.40, 0.05, 2.0, "m", "Tracks nearer than this that compete are one shopper.")
    merge_after_s: float = _setting(0.6, 0.05, 10.0, "s", "How long they must compete for the same detections.")

    # Closed world and identity
    birth_moves: float = _setting(
        0.35, 0.0, 5.0, "m", "In a store with entry zones, how far a new body must have moved to be believed."
    )
    zone_margin: float = _setting(0.4, 0.0, 5.0, "m", "Zones reach this much further for births and exits.")
    exit_close_s: float = _setting(
        0.5, 0.0, 60.0, "s", "A shopper who has not been seen for this long after vanishing in the exit zone has left."
    )
    entry_lost_close_s: float = _setting(
        10.0, 0.1, 600.0, "s", "A shopper lost in the entry zone for this long has walked back out."
    )
    reach_margin: float = _setting(0.8, 0.0, 5.0, "m", "Added to the distance a lost shopper can have walked.")
    height_match_sd: float = _setting(0.10, 0.01, 0.5, "m", "Noise of height when a lost shopper is recognised.")
    appearance_match_sd: float = _setting(0.25, 0.02, 2.0, "1", "Noise of the clothing distance (1 - cosine).")
    crossing_distance: float = _setting(0.8, 0.1, 3.0, "m", "Shoppers nearer than this can be mixed up.")
    margin_decay_s: float = _setting(0.5, 0.05, 10.0, "s", "Memory of what tells two close shoppers apart.")
    exchange_odds: float = _setting(
        0.5, 0.01, 2.0, "1", "How much of what tells two close shoppers apart counts: frames repeat errors."
    )
    look_change_sd: float = _setting(
        0.08, 0.005, 1.0, "1", "How much an element of the clothing descriptor changes over an encounter."
    )
    stature_change_sd: float = _setting(0.11, 0.01, 0.5, "m", "How much the measured height changes over an encounter.")
    swap_probability: float = _setting(
        0.9, 0.5, 1.0, "1", "Exchange two identities when this probable that they were mixed up."
    )

    # Joints
    wrist_acceleration_sd: float = _setting(
        1.5, 0.1, 50.0, "m/s^1.5", "Density of the acceleration noise of wrists and feet."
    )
    elbow_acceleration_sd: float = _setting(1.0, 0.1, 50.0, "m/s^1.5", "Density of the acceleration noise of elbows.")
    trunk_acceleration_sd: float = _setting(1.0, 0.1, 50.0, "m/s^1.5", "The same of head, shoulders and hips.")
    joint_noise: float = _setting(
        0.008, 0.0, 0.2, "1", "Noise of a sure keypoint as a fraction of the box's height, besides pixel_noise."
    )
    mirror_probability: float = _setting(0.08, 0.001, 0.499, "1", "How often a detector exchanges left and right.")
    joint_memory_s: float = _setting(0.5, 0.05, 10.0, "s", "Time constant with which unseen joints return to rest.")
    max_joint_sd: float = _setting(0.30, 0.02, 1.0, "m", "Joints less certain than this are published as unknown.")

    def __post_init__(self) -> None:
        """Check every field against its range."""
        for item in fields(self):
            value = getattr(self, item.name)
            low, high = item.metadata["range"]
            if not math.isfinite(value) or not low <= value <= high:
                raise ValueError(f"tracker parameter {item.name}: {value} is not within {low} .. {high}")
