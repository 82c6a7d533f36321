"""Rigid transforms as plain tuples: a translation ``(x, y, z)`` in metres and a unit quaternion ``(x, y, z, w)``.

Python floats are several times faster than NumPy for single transforms, and a lookup composes only a few.
"""

from __future__ import annotations

import math

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Rigid = tuple[Vector, Quaternion]

IDENTITY: Rigid = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))

#: Below this angle between quaternions (as 1 - cosine) slerp is numerically a lerp.
_SLERP_EPS = 1e-12


def multiply(a: Quaternion, b: Quaternion) -> Quaternion:
    """Return the rotation that applies `b` first, then `a`."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def rotate(q: Quaternion, v: Vector) -> Vector:
    """Return `v` rotated by `q`."""
    qx, qy, qz, qw = q
    vx, vy, vz = v
    tx = 2.0 * (qy * vz - qz * vy)
    ty = 2.0 * (qz * vx - qx * vz)
    tz = 2.0 * (qx * vy - qy * vx)
    return (
        vx + qw * tx + qy * tz - qz * ty,
        vy + qw * ty + qz * tx - qx * tz,
        vz + qw * tz + qx * ty - qy * tx,
    )


def compose(a: Rigid, b: Rigid) -> Rigid:
    """Return the transform that applies `b` first, then `a`."""
    x, y, z = rotate(a[1], b[0])
    ax, ay, az = a[0]
    return (ax + x, ay + y, az + z), multiply(a[1], b[1])


def invert(a: Rigid) -> Rigid:
    """Return the inverse transform."""
    qx, qy, qz, qw = a[1]
    inverse = (-qx, -qy, -qz, qw)
    x, y, z = rotate(inverse, a[0])
    return (-x, -y, -z), inverse


def interpolate(a: Rigid, b: Rigid, ratio: float) -> Rigid:
    """Return the transform at `ratio` (0..1) between `a` and `b`: linear in translation, slerp in rotation."""
    (ax, ay, az), (bx, by, bz) = a[0], b[0]
    translation = (ax + (bx - ax) * ratio, ay + (by - ay) * ratio, az + (bz - az) * ratio)
    return translation, slerp(a[1], b[1], ratio)


def slerp(a: Quaternion, b: Quaternion, ratio: float) -> Quaternion:
    """Spherical linear interpolation along the shorter arc, normalised."""
    cosine = sum(p * q for p, q in zip(a, b, strict=True))
    sign = -1.0 if cosine < 0.0 else 1.0
    cosine = min(1.0, abs(cosine))
    if 1.0 - cosine < _SLERP_EPS:
        wa, wb = 1.0 - ratio, ratio
    else:
        angle = math.acos(cosine)
        sine = math.sin(angle)
        wa, wb = math.sin((1.0 - ratio) * angle) / sine, math.sin(ratio * angle) / sine
    x, y, z, w = (wa * p + sign * wb * q for p, q in zip(a, b, strict=True))
    norm = math.sqrt(x * x + y * y + z * z + w * w)
    return x / norm, y / norm, z / norm, w / norm
