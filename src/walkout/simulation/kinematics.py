"""How a body stands: a walking gait, reaching by leaning and crouching, two-bone arms and legs.

Everything is in the body frame of ``skeleton`` (x forward, y left, z up) in metres of the unscaled body.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.skeleton import BONE_COUNT, Bone

FloatArray = NDArray[np.float64]
Vector = tuple[float, float, float]

CYCLE_PER_HIP_HEIGHT = 1.35
"""Metres walked per gait cycle (two steps) at full stride, per metre of hip height."""
STANCE = 0.6
"""Share of the gait cycle during which a foot stands on the floor."""

_TRUNK = (Bone.HIPS, Bone.SPINE, Bone.CHEST, Bone.UPPER_CHEST, Bone.NECK, Bone.HEAD)
_PITCH_SHARE = np.array([0.45, 0.62, 0.82, 1.0, 0.8, 0.5])
_YAW_SHARE = np.array([0.35, 0.55, 0.8, 1.0, 1.0, 1.0])
_HEAD_SHARE = np.array([0.0, 0.0, 0.0, 0.0, 0.45, 1.0])
_HAND_ROLL = 0.35
"""How far hands turn about the forearm from anny's rest pose, in which palms face backwards, to thumbs forward."""
_STANCE_WIDTH = 0.68
"""How far apart feet stand, against the rest pose with its spread legs."""
_EFFORTS: FloatArray = np.linspace(0.0, 1.0, 11, dtype=np.float64)

# Postures of full effort over the height of the target in statures: how far the pelvis sinks (negative: tiptoe) and
# moves forward, in statures, and how far the trunk pitches, in radians.
_TARGET_HEIGHT = np.array([0.0, 0.2, 0.4, 0.55, 0.75, 0.9, 1.1])
_SINK = np.array([0.37, 0.27, 0.13, 0.05, 0.01, -0.03, -0.04])
_FORWARD = np.array([0.10, 0.08, 0.05, 0.05, 0.08, 0.15, 0.18])
_PITCH = np.array([1.5, 1.4, 1.3, 1.1, 0.8, 0.5, 0.4])


@dataclass(frozen=True)
class Targets:
    """What the arms do, left and right: wanted wrist in the body frame or None, its weight, and the carry amount."""

    wrists: tuple[Vector | None, Vector | None]
    weights: tuple[float, float]
    carry: tuple[float, float]


@dataclass(frozen=True)
class Stance:
    """A solved pose: bone rotations (b, 3, 3) and heads (b, 3); distance of each wrist to its target (2,)."""

    rotations: FloatArray
    heads: FloatArray
    reach_error: tuple[float, float]


@dataclass(frozen=True)
class _Limb:
    """A two-bone chain at rest: lengths, and the transposed rest frames of both bones."""

    upper: float
    lower: float
    upper_frame: FloatArray
    lower_frame: FloatArray


class Skeleton:
    """A body's rest skeleton and the solver of its poses. ``rest`` is (b, 3), ``stature`` the height in metres."""

    def __init__(self, rest: FloatArray, stature: float, hip_width: float) -> None:
        self.rest = rest
        self.stature = stature
        self._hip_width = hip_width
        trunk = rest[list(_TRUNK)]
        self._trunk_offsets = np.diff(trunk, axis=0)
        self.hip_height = float(rest[Bone.LEFT_THIGH, 2] + rest[Bone.RIGHT_THIGH, 2]) / 2
        self._arms = tuple(_limb(rest, side, "UPPER_ARM", "FOREARM", "HAND", None) for side in ("LEFT", "RIGHT"))
        self._knuckles = [_knuckles(rest, 0), _knuckles(rest, 6)]
        axes = [rest[Bone.LEFT_HAND] - rest[Bone.LEFT_FOREARM], rest[Bone.RIGHT_HAND] - rest[Bone.RIGHT_FOREARM]]
        self._forearms = [axis / np.linalg.norm(axis) for axis in axes]
        self._legs = tuple(_limb(rest, side, "THIGH", "SHANK", "FOOT", (1.0, 0.0, 0.0)) for side in ("LEFT", "RIGHT"))

    @property
    def cycle_length(self) -> float:
        """Metres walked per gait cycle at full stride, so that the feet do not slide."""
        return CYCLE_PER_HIP_HEIGHT * self.hip_height

    def solve(self, phase: float, stride: float, head_yaw: float, targets: Targets) -> Stance:
        """Return the pose for a gait phase (rad), stride 0..1, head yaw (rad) and the arms' targets."""
        efforts = [self._effort(side, targets) for side in (0, 1)]
        leading = int(efforts[1] > efforts[0])
        effort = efforts[leading]
        wrist = targets.wrists[leading] or (0.3, 0.0, self.hip_height)
        swing = stride * 0.1 * math.sin(phase)
        rotations, heads = self._trunk(np.array([effort]), leading, wrist, swing, head_yaw)
        feet = [self._foot((phase / (2 * math.pi) + 0.5 * side) % 1.0, side, stride, effort, wrist) for side in (0, 1)]
        drop = self._drop(rotations[0], heads[0], feet)
        pose = np.zeros((BONE_COUNT, 3, 3))
        place = np.zeros((BONE_COUNT, 3))
        pose[list(_TRUNK)] = rotations[0]
        place[list(_TRUNK)] = heads[0] - (0.0, 0.0, drop)
        errors = (
            self._arm(0, pose, place, targets, phase, stride),
            self._arm(1, pose, place, targets, phase, stride),
        )
        for side in (0, 1):
            self._leg(side, pose, place, feet[side])
        return Stance(pose, place, errors)

    def _effort(self, side: int, targets: Targets) -> float:
        """Return how much of the full posture towards its target an arm needs, 0..1, scaled by its weight."""
        wrist, weight = targets.wrists[side], targets.weights[side]
        if wrist is None or weight <= 0:
            return 0.0
        rotations, heads = self._trunk(_EFFORTS, side, wrist, 0.0, 0.0)
        arm = self._arms[side]
        shoulder = Bone.RIGHT_UPPER_ARM if side else Bone.LEFT_UPPER_ARM
        offset = self.rest[shoulder] - self.rest[Bone.UPPER_CHEST]
        shoulders = heads[:, 3] + rotations[:, 3] @ offset
        excess = np.linalg.norm(shoulders - np.asarray(wrist), axis=1) - 0.96 * (arm.upper + arm.lower)
        reached = np.flatnonzero(excess <= 0)
        if not len(reached):
            return float(_EFFORTS[excess.argmin()]) * weight
        first = int(reached[0])
        if first == 0:
            return 0.0
        before, after = excess[first - 1], excess[first]
        step = _EFFORTS[1]
        return float(_EFFORTS[first - 1] + step * before / (before - after)) * weight

    def _trunk(
        self, effort: FloatArray, side: int, wrist: Vector, swing: float, head_yaw: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return rotations (k, 6, 3, 3) and heads (k, 6, 3) of the trunk for k efforts towards a wrist target."""
        height = wrist[2] / self.stature
        azimuth = math.atan2(wrist[1], max(wrist[0], 0.05))
        turn = min(max(0.7 * azimuth + (0.4 if side else -0.4), -1.1), 1.1)
        yaw = (effort * turn)[:, None] * _YAW_SHARE + swing * (1.0 - 2.0 * _YAW_SHARE) + head_yaw * _HEAD_SHARE
        pitch = (effort * np.interp(height, _TARGET_HEIGHT, _PITCH))[:, None] * _PITCH_SHARE
        cos_yaw, sin_yaw, cos_pitch, sin_pitch = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        rotations = np.zeros((*yaw.shape, 3, 3))
        rotations[..., 0, 0], rotations[..., 0, 1], rotations[..., 0, 2] = (
            cos_yaw * cos_pitch,
            -sin_yaw,
            cos_yaw * sin_pitch,
        )
        rotations[..., 1, 0], rotations[..., 1, 1], rotations[..., 1, 2] = (
            sin_yaw * cos_pitch,
            cos_yaw,
            sin_yaw * sin_pitch,
        )
        rotations[..., 2, 0], rotations[..., 2, 2] = -sin_pitch, cos_pitch
        heads = np.empty((len(effort), 6, 3))
        lean = effort * np.interp(height, _TARGET_HEIGHT, _FORWARD) * self.stature
        # A pitching pelvis moves back, as people do to keep their balance.
        back = 0.10 * np.sin(pitch[:, 0])
        heads[:, 0] = self.rest[Bone.HIPS]
        heads[:, 0, 0] += lean - back
        heads[:, 0, 2] -= effort * np.interp(height, _TARGET_HEIGHT, _SINK) * self.stature
        heads[:, 1:] = (rotations[:, :5] @ self._trunk_offsets[..., None])[..., 0]
        np.cumsum(heads, axis=1, out=heads)
        return rotations, heads

    def _foot(self, cycle: float, side: int, stride: float, effort: float, wrist: Vector) -> tuple[Vector, float]:
        """Return where a foot's ankle is and how far its heel is up (rad; negative: the toes are up)."""
        ankle_bone, toe_bone = (Bone.RIGHT_FOOT, Bone.RIGHT_TOES) if side else (Bone.LEFT_FOOT, Bone.LEFT_TOES)
        ankle, ball = self.rest[ankle_bone], self.rest[toe_bone]
        length = self.cycle_length * stride
        if cycle < STANCE:
            forward, lift = length * (0.27 - cycle), 0.0
            pitch = float(np.interp(cycle, [0.0, 0.1, 0.36, STANCE], [-0.3, 0.0, 0.0, 0.6]))
        else:
            air = (cycle - STANCE) / (1.0 - STANCE)
            smooth = air * air * (3 - 2 * air)
            forward = length * (0.27 - STANCE + STANCE * smooth)
            lift = 0.06 * math.sin(math.pi * air)
            pitch = float(np.interp(air, [0.0, 0.25, 0.75, 1.0], [0.6, 0.45, -0.15, -0.3]))
        sink = float(np.interp(wrist[2] / self.stature, _TARGET_HEIGHT, _SINK)) * effort
        pitch = pitch * stride + max(0.0, sink - 0.1) * 3.0 + max(0.0, -sink) * 12.0
        lift *= stride
        # A raised heel turns about the ball of the foot, raised toes about the heel below the ankle.
        lever = ankle - ball
        cos, sin = math.cos(max(pitch, 0.0)), math.sin(max(pitch, 0.0))
        x = ball[0] + forward + cos * lever[0] + sin * lever[2]
        z = ball[2] + lift - sin * lever[0] + cos * lever[2]
        return (float(x), _STANCE_WIDTH * float(ankle[1]), float(z)), pitch

    def _drop(self, rotations: FloatArray, heads: FloatArray, feet: list[tuple[Vector, float]]) -> float:
        """Return how far the pelvis must sink for both legs to reach their feet, at most 0.08 m."""
        drop = 0.0
        for side, (ankle, _) in enumerate(feet):
            hip = heads[0] + rotations[0] @ (self.rest[_thigh(side)] - self.rest[Bone.HIPS])
            length = 0.998 * (self._legs[side].upper + self._legs[side].lower)
            across = math.hypot(hip[0] - ankle[0], hip[1] - ankle[1])
            reachable = ankle[2] + math.sqrt(max(length * length - across * across, 0.0))
            drop = max(drop, float(hip[2]) - reachable)
        return min(drop, 0.08)

    def _arm(
        self, side: int, pose: FloatArray, place: FloatArray, targets: Targets, phase: float, stride: float
    ) -> float:
        """Place an arm's bones; return the distance between the wrist and the point it was meant to reach."""
        prefix = 6 * side
        clavicle, upper, fore = Bone(6 + prefix), Bone(7 + prefix), Bone(8 + prefix)
        sign = -1.0 if side else 1.0
        chest = pose[Bone.UPPER_CHEST]
        limb = self._arms[side]
        place[clavicle] = place[Bone.UPPER_CHEST] + chest @ (self.rest[clavicle] - self.rest[Bone.UPPER_CHEST])
        collar = self.rest[upper] - self.rest[clavicle]
        shoulder = place[clavicle] + chest @ collar
        length = limb.upper + limb.lower
        wanted, weight = targets.wrists[side], targets.weights[side]
        goal = self._idle_wrist(shoulder, chest, length, sign, phase, stride, targets.carry[side])
        if wanted is not None and weight > 0:
            goal = goal + weight * (np.asarray(wanted) - goal)
        pose[clavicle] = _shrug(chest, place[clavicle], shoulder, goal, length)
        place[upper] = place[clavicle] + pose[clavicle] @ collar
        pole = chest @ np.array([-0.75, 0.22 * sign, -0.5])
        elbow, wrist, frames = _two_bone(place[upper], goal, pole, limb)
        pose[upper], pose[fore] = frames
        place[fore] = elbow
        hand, fingers, tips = Bone(9 + prefix), Bone(10 + prefix), Bone(11 + prefix)
        place[hand] = wrist
        grip = max(targets.carry[side], weight if wanted is not None else 0.0)
        pose[hand] = pose[fore] @ _rotation(self._forearms[side], -sign * (_HAND_ROLL + 0.45 * grip))
        curl = _rotation(self._knuckles[side], 0.3 + 0.35 * grip)
        pose[fingers] = pose[hand] @ curl
        place[fingers] = wrist + pose[hand] @ (self.rest[fingers] - self.rest[hand])
        pose[tips] = pose[fingers] @ curl
        place[tips] = place[fingers] + pose[fingers] @ (self.rest[tips] - self.rest[fingers])
        return float(np.linalg.norm(wrist - goal))

    def _idle_wrist(
        self,
        shoulder: FloatArray,
        chest: FloatArray,
        length: float,
        sign: float,
        phase: float,
        stride: float,
        carry: float,
    ) -> FloatArray:
        """Return where the wrist hangs and swings, or is carried before the body."""
        swing = 0.08 - sign * 0.42 * stride * math.cos(phase)
        reach = length * (0.985 - 0.06 * stride)
        outward = max(0.07, self._hip_width - abs(float(self.rest[Bone.LEFT_UPPER_ARM, 1])) + 0.075)
        # An arm hangs from the shoulder however the trunk leans.
        hang = shoulder + np.array([reach * math.sin(swing), sign * outward, -reach * math.cos(swing) + 0.01])
        if carry <= 0:
            return hang
        before = shoulder + chest @ (np.array([0.44, -0.06 * sign, -0.56]) * length)
        carried: FloatArray = hang + carry * (before - hang)
        return carried

    def _leg(self, side: int, pose: FloatArray, place: FloatArray, foot: tuple[Vector, float]) -> None:
        """Place a leg's bones under the pelvis."""
        base = _thigh(side)
        thigh, shank, ankle, toes = base, Bone(base + 1), Bone(base + 2), Bone(base + 3)
        sign = -1.0 if side else 1.0
        place[thigh] = place[Bone.HIPS] + pose[Bone.HIPS] @ (self.rest[thigh] - self.rest[Bone.HIPS])
        target, pitch = foot
        knee, end, frames = _two_bone(
            place[thigh], np.asarray(target), np.array([1.0, 0.12 * sign, 0.0]), self._legs[side]
        )
        pose[thigh], pose[shank] = frames
        place[shank], place[ankle] = knee, end
        cos, sin = math.cos(pitch), math.sin(pitch)
        pose[ankle] = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
        place[toes] = end + pose[ankle] @ (self.rest[toes] - self.rest[ankle])
        bend = min(max(pitch, 0.0), 0.6)
        cos, sin = math.cos(pitch - bend), math.sin(pitch - bend)
        pose[toes] = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])


def _thigh(side: int) -> Bone:
    return Bone.RIGHT_THIGH if side else Bone.LEFT_THIGH


def _limb(rest: FloatArray, side: str, first: str, second: str, third: str, bend: Vector | None) -> _Limb:
    """Measure a two-bone chain; ``bend`` is where its middle joint points, None to read it off the rest pose."""
    start, middle, end = (rest[Bone[f"{side}_{part}"]] for part in (first, second, third))
    axis = end - start
    pole = np.asarray(bend) if bend is not None else middle - start - axis * ((middle - start) @ axis) / (axis @ axis)
    hinge = -np.cross(axis, pole)
    return _Limb(
        float(np.linalg.norm(middle - start)),
        float(np.linalg.norm(end - middle)),
        _frame(middle - start, hinge).T,
        _frame(end - middle, hinge).T,
    )


def _frame(axis: FloatArray, hinge: FloatArray) -> FloatArray:
    """Return the rotation (3, 3) whose columns are the axis, the hinge made square to it, and their cross product."""
    ax, ay, az = axis.tolist()
    scale = 1.0 / math.sqrt(ax * ax + ay * ay + az * az)
    ax, ay, az = ax * scale, ay * scale, az * scale
    hx, hy, hz = hinge.tolist()
    along = hx * ax + hy * ay + hz * az
    hx, hy, hz = hx - along * ax, hy - along * ay, hz - along * az
    scale = 1.0 / math.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx * scale, hy * scale, hz * scale
    return np.array([[ax, hx, ay * hz - az * hy], [ay, hy, az * hx - ax * hz], [az, hz, ax * hy - ay * hx]])


def _two_bone(
    start: FloatArray, goal: FloatArray, pole: FloatArray, limb: _Limb
) -> tuple[FloatArray, FloatArray, tuple[FloatArray, FloatArray]]:
    """Return middle joint, end joint and both bones' rotations of a chain that bends towards ``pole``."""
    away = goal - start
    distance = max(math.sqrt(float(away @ away)), 1e-6)
    axis = away / distance
    upper, lower = limb.upper, limb.lower
    distance = min(max(distance, abs(upper - lower) + 1e-3), (upper + lower) * 0.9995)
    along = (upper * upper + distance * distance - lower * lower) / (2 * distance)
    side = pole - axis * float(pole @ axis)
    side /= max(math.sqrt(float(side @ side)), 1e-6)
    middle = start + axis * along + side * math.sqrt(max(upper * upper - along * along, 0.0))
    end = start + axis * distance
    (ax, ay, az), (px, py, pz) = axis.tolist(), side.tolist()
    hinge = np.array([az * py - ay * pz, ax * pz - az * px, ay * px - ax * py])
    return (
        middle,
        end,
        (_frame(middle - start, hinge) @ limb.upper_frame, _frame(end - middle, hinge) @ limb.lower_frame),
    )


def _shrug(chest: FloatArray, collar: FloatArray, shoulder: FloatArray, goal: FloatArray, length: float) -> FloatArray:
    """Return the clavicle's rotation: it swings the shoulder towards a goal that the arm alone barely reaches."""
    gap = math.sqrt(float((goal - shoulder) @ (goal - shoulder))) / length
    amount = min(max((gap - 0.75) / 0.25, 0.0), 1.0) * 0.4
    if amount <= 0:
        return chest
    bone, away = shoulder - collar, goal - collar
    axis = np.array(
        [
            bone[1] * away[2] - bone[2] * away[1],
            bone[2] * away[0] - bone[0] * away[2],
            bone[0] * away[1] - bone[1] * away[0],
        ]
    )
    size = math.sqrt(float(axis @ axis))
    # Hanging arms pull the clavicle down only a little.
    angle = min(amount, math.asin(min(size / math.sqrt(float(bone @ bone) * float(away @ away)), 1.0)))
    if away[2] < bone[2]:
        angle *= max(0.25, 1.0 - abs(float(away[2])) / length)
    return _rotation(axis / max(size, 1e-9), angle) @ chest


def _knuckles(rest: FloatArray, prefix: int) -> FloatArray:
    """Return the unit axis about which the fingers of a hand bend, in the rest pose's axes."""
    hand, fingers, tips = rest[9 + prefix], rest[10 + prefix], rest[11 + prefix]
    axis = np.cross(fingers - hand, tips - fingers)
    unit: FloatArray = axis / np.linalg.norm(axis)
    return unit


def _rotation(axis: FloatArray, angle: float) -> FloatArray:
    """Return the rotation (3, 3) about a unit axis (Rodrigues)."""
    x, y, z = axis.tolist()
    c, s = math.cos(angle), math.sin(angle)
    v = 1.0 - c
    return np.array(
        [
            [c + x * x * v, x * y * v - z * s, x * z * v + y * s],
            [y * x * v + z * s, c + y * y * v, y * z * v - x * s],
            [z * x * v - y * s, z * y * v + x * s, c + z * z * v],
        ]
    )
