"""The tracker's innermost loops, compiled to machine code (numba).

A frame holds a few dozen shoppers: arrays so small that numpy spends its time on being called. Written out as loops and
compiled they take a fraction of it, with the same results. Compiled code is kept on disk beside this file, or in the
user's cache where that cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Any])

VECTOR, MATRIX, CUBE, FOUR = "f8[::1]", "f8[:,::1]", "f8[:,:,::1]", "f8[:,:,:,::1]"


def compiled(result: str, *arguments: str) -> Callable[[Function], Function]:
    """Return the decorator for a function of these types: it is compiled when this file is first imported, or never.

    A shop that opens must not stop for seconds at its first shopper, whatever his arrays look like.
    """
    types = f"{result}({', '.join(arguments)})"

    def decorate(function: Function) -> Function:
        try:
            made = njit(types, cache=True, error_model="numpy", nogil=True)(function)
        except RuntimeError:  # nowhere to keep it: a read-only file system without a home
            made = njit(types, error_model="numpy", nogil=True)(function)
        return cast(Function, made)

    return decorate


@compiled("void", MATRIX, MATRIX, VECTOR, MATRIX, VECTOR, "i8", "i8", MATRIX, CUBE, CUBE, MATRIX, "f8")
def project_bodies(
    bodies: FloatArray,
    turn: FloatArray,
    shift: FloatArray,
    matrix: FloatArray,
    levels: FloatArray,
    ring: int,
    axis: int,
    rows: FloatArray,
    jacobian: FloatArray,
    pixels: FloatArray,
    depth: FloatArray,
    least_depth: float,
) -> None:
    """Fill in what a camera sees of bodies (t, 3): x, y, height.

    Args:
        bodies: (t, 3).
        turn: (3, 3 n), with ``shift`` the linear map to the homogeneous coordinates of n points.
        shift: (3 n,).
        matrix: (3, 4) the camera's projection.
        levels: (n,) heights of the points as fractions of the body's.
        ring: so many points come first, whose extent is the box.
        axis: so many points on the axis come next.
        rows: (t, 4 + 2 axis) is filled in: left, top, right, bottom; u, v of the points on the axis.
        jacobian: (t, 4 + 2 axis, 3) is filled in: their derivatives.
        pixels: (t, 2, n) is filled in, of all points.
        depth: (t, n) likewise, metres.
        least_depth: points nearer than this, or behind, count as this far away.
    """
    count = len(levels)
    for t in range(len(bodies)):
        x, y, z = bodies[t, 0], bodies[t, 1], bodies[t, 2]
        for k in range(count):
            w = x * turn[0, 2 * count + k] + y * turn[1, 2 * count + k] + z * turn[2, 2 * count + k]
            w = max(w + shift[2 * count + k], least_depth)
            depth[t, k] = w
            for a in range(2):
                h = x * turn[0, a * count + k] + y * turn[1, a * count + k] + z * turn[2, a * count + k]
                pixels[t, a, k] = (h + shift[a * count + k]) / w
        for row in range(4 + 2 * axis):
            a, point = row % 2, ring + (row - 4) // 2
            if row < 4:
                point = 0
                for k in range(1, ring):
                    value, best = pixels[t, a, k], pixels[t, a, point]
                    if (value < best) if row < 2 else (value > best):
                        point = k
            place, scale = pixels[t, a, point], 1 / depth[t, point]
            rows[t, row] = place
            for c in range(3):
                jacobian[t, row, c] = (matrix[a, c] - place * matrix[2, c]) * scale
            jacobian[t, row, 2] *= levels[point]


@compiled("f8", MATRIX, MATRIX)
def _invert3(m: FloatArray, result: FloatArray) -> float:
    """Write the inverse of a symmetric matrix (3, 3) into ``result``; return its determinant."""
    a, b, c, d, e, f = m[0, 0], m[0, 1], m[0, 2], m[1, 1], m[1, 2], m[2, 2]
    p, q, r = d * f - e * e, c * e - b * f, b * e - c * d
    determinant = a * p + b * q + c * r
    s = 1 / determinant
    result[0, 0], result[0, 1], result[0, 2] = p * s, q * s, r * s
    result[1, 0], result[1, 1], result[1, 2] = q * s, (a * f - c * c) * s, (b * c - a * e) * s
    result[2, 0], result[2, 1], result[2, 2] = r * s, (b * c - a * e) * s, (a * d - b * b) * s
    return determinant


@compiled("void", CUBE, MATRIX, CUBE, MATRIX, MATRIX, MATRIX, "b1[:,::1]", "f8", "f8", "f8", MATRIX, "i8[:,::1]")
def pair_misfits(
    covariance: FloatArray,
    predicted: FloatArray,
    jacobian: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    posture: FloatArray,
    seen: NDArray[np.bool_],
    limit: float,
    hopeless: float,
    hopeless_row: float,
    misfit: FloatArray,
    counts: NDArray[np.int64],
) -> None:
    """Fill in misfits and numbers of rows (t, d) of all pairs; see ``filter.pair_cost``.

    Args:
        covariance: (t, 3, 3).
        predicted: (t, r) what should be seen.
        jacobian: (t, r, 3) its derivatives.
        observed: (d, r).
        variance: (d, r), infinite where missing.
        posture: (t, r) variance that is added.
        seen: (t, r) rows that count.
        limit: of Huber's loss, in sigmas.
        hopeless: pairs whose lower bound is above this keep the bound,
        hopeless_row: plus so much for every row.
        misfit: (t, d) is filled in.
        counts: (t, d) likewise.
    """
    size = predicted.shape[1]
    prior, normal, inverse = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    residual, information, weight, spread = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    index = np.empty(size, np.int64)
    step, right = np.empty(3), np.empty(3)
    for t in range(len(predicted)):
        volume = _invert3(covariance[t], prior)
        for r in range(size):
            total = 0.0
            for i in range(3):
                for j in range(3):
                    total += jacobian[t, r, i] * covariance[t, i, j] * jacobian[t, r, j]
            spread[r] = total
        for d in range(len(observed)):
            rows, bound = 0, 0.0
            for r in range(size):
                if not seen[t, r] or not np.isfinite(variance[d, r]):
                    continue
                own = variance[d, r] + posture[t, r]
                if not np.isfinite(own):
                    continue
                index[rows] = r
                residual[rows] = observed[d, r] - predicted[t, r]
                information[rows] = 1 / own
                distance = abs(residual[rows]) / np.sqrt(size * spread[r] + own)
                inner = min(distance, limit)
                bound += inner * (2 * distance - inner)
                weight[rows] = limit / max(abs(residual[rows]) / np.sqrt(spread[r] + own), limit)
                rows += 1
            counts[t, d] = rows
            misfit[t, d] = bound
            if not bound < hopeless + hopeless_row * rows:
                continue
            determinant = 1.0
            for _ in range(2):
                for i in range(3):
                    right[i] = 0.0
                    for j in range(i, 3):
                        normal[i, j] = prior[i, j]
                for k in range(rows):
                    r, w = index[k], information[k] * weight[k]
                    for i in range(3):
                        slope = w * jacobian[t, r, i]
                        right[i] += slope * residual[k]
                        for j in range(i, 3):
                            normal[i, j] += slope * jacobian[t, r, j]
                determinant = _invert3(normal, inverse)
                for i in range(3):
                    step[i] = inverse[i, 0] * right[0] + inverse[i, 1] * right[1] + inverse[i, 2] * right[2]
                cost = 0.0
                for k in range(rows):
                    r = index[k]
                    rest = residual[k]
                    for i in range(3):
                        rest -= jacobian[t, r, i] * step[i]
                    distance = abs(rest) * np.sqrt(information[k])
                    weight[k] = limit / max(distance, limit)
                    inner = min(distance, limit)
                    cost += inner * (2 * distance - inner)
            for i in range(3):
                for j in range(3):
                    cost += step[i] * prior[i, j] * step[j]
            misfit[t, d] = cost + np.log(determinant * volume)


@compiled("void", MATRIX, MATRIX, CUBE, MATRIX, CUBE, MATRIX, MATRIX, MATRIX, "b1[:,::1]", "f8", MATRIX, CUBE)
def correct_body(
    body: FloatArray,
    before: FloatArray,
    prior: FloatArray,
    predicted: FloatArray,
    jacobian: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    posture: FloatArray,
    seen: NDArray[np.bool_],
    limit: float,
    step: FloatArray,
    posterior: FloatArray,
) -> None:
    """Fill in one robust step of Gauss-Newton for m bodies, from their predictions.

    Args:
        body: (m, 3) where the camera was linearised.
        before: (m, 3) the prediction.
        prior: (m, 3, 3) its information.
        predicted: (m, r) what should be seen of ``body``.
        jacobian: (m, r, 3) its derivatives.
        observed: (m, r).
        variance: (m, r), infinite where missing.
        posture: (m, r) variance that is added.
        seen: (m, r) rows that count.
        limit: of Huber's loss, in sigmas.
        step: (m, 3) is filled in.
        posterior: (m, 3, 3) likewise.
    """
    normal, right, moved = np.empty((3, 3)), np.empty(3), np.empty(3)
    for t in range(len(body)):
        for i in range(3):
            right[i] = 0.0
            moved[i] = body[t, i] - before[t, i]
            for j in range(i, 3):
                normal[i, j] = prior[t, i, j]
        for r in range(predicted.shape[1]):
            own = variance[t, r] + posture[t, r]
            if not seen[t, r] or not np.isfinite(own):
                continue
            residual = observed[t, r] - predicted[t, r]
            weight = limit / max(abs(residual) / np.sqrt(own), limit) / own
            pull = residual
            for i in range(3):
                pull += jacobian[t, r, i] * moved[i]
            for i in range(3):
                slope = weight * jacobian[t, r, i]
                right[i] += slope * pull
                for j in range(i, 3):
                    normal[i, j] += slope * jacobian[t, r, j]
        _invert3(normal, posterior[t])
        for i in range(3):
            step[t, i] = posterior[t, i, 0] * right[0] + posterior[t, i, 1] * right[1] + posterior[t, i, 2] * right[2]


@compiled("void", MATRIX, MATRIX)
def _invert(matrix: FloatArray, result: FloatArray) -> None:
    """Write the inverse of a positive definite matrix (n, n) into ``result``: Gauss-Jordan without pivots."""
    size = len(matrix)
    for i in range(size):
        for j in range(size):
            result[i, j] = matrix[i, j]
    for k in range(size):
        pivot = 1 / result[k, k]
        result[k, k] = 1.0
        for j in range(size):
            result[k, j] *= pivot
        for i in range(size):
            if i != k:
                factor = result[i, k]
                result[i, k] = 0.0
                for j in range(size):
                    result[i, j] -= factor * result[k, j]


@compiled("void", MATRIX, VECTOR, "f8", "f8", VECTOR, MATRIX)
def _look_at_joint(
    projection: FloatArray, joint: FloatArray, lag: float, least_depth: float, pixel: FloatArray, jacobian: FloatArray
) -> None:
    """Fill in where a joint (6,) was ``lag`` seconds ago in a picture (2,), and the derivatives by its place (2, 3)."""
    x, y, z = joint[0] - lag * joint[3], joint[1] - lag * joint[4], joint[2] - lag * joint[5]
    depth = projection[2, 0] * x + projection[2, 1] * y + projection[2, 2] * z + projection[2, 3]
    scale = 1 / max(depth, least_depth)
    for a in range(2):
        place = projection[a, 0] * x + projection[a, 1] * y + projection[a, 2] * z + projection[a, 3]
        pixel[a] = place * scale
        for c in range(3):
            jacobian[a, c] = (projection[a, c] - pixel[a] * projection[2, c]) * scale


@compiled(
    "void",
    *(CUBE, FOUR, FOUR, MATRIX, FOUR, CUBE, "b1[:,:,::1]", MATRIX, "i8[::1]", "b1[::1]"),
    *(VECTOR, "i8", CUBE, FOUR, FOUR),
)
def fuse_joints(
    joints: FloatArray,
    covariance: FloatArray,
    projection: FloatArray,
    lag: FloatArray,
    pixels: FloatArray,
    variance: FloatArray,
    seen: NDArray[np.bool_],
    exchanged: FloatArray,
    mirror: NDArray[np.int64],
    arm: NDArray[np.bool_],
    settings: FloatArray,
    rounds: int,
    state: FloatArray,
    spread: FloatArray,
    square: FloatArray,
) -> None:
    """Let v sights refine the joints of t shoppers; see ``joint_views.fuse``.

    Args:
        joints: (t, j, 6) the predictions.
        covariance: (t, j, 6, 6) of them.
        projection: (t, v, 3, 4) of the cameras.
        lag: (t, v) seconds since each looked.
        pixels: (t, v, j, 2) the keypoints.
        variance: (t, v, j) of them.
        seen: (t, v, j) which there are.
        exchanged: (t, v) log odds that left and right are exchanged.
        mirror: (j,) the joint of the other side.
        arm: (j,) whether views may contradict each other there.
        settings: (7,) in the order of the names below.
        rounds: of reweighting.
        state: (t, j, 6) is filled in.
        spread: (t, j, 6, 6) likewise.
        square: (2, t, v, j) is filled in: squared distances of the keypoint and the other side's from the result.
    """
    freedom, most_evidence, shared, prior_odds, persistence, most_misfit, least_depth = settings
    views, count = seen.shape[1], joints.shape[1]
    place, slope = np.empty((views, count, 2)), np.empty((views, count, 2, 3))
    distance, share = np.empty((2, views, count)), np.empty((2, views, count))
    gain, doubt = np.empty((views, count)), np.empty((views, count))
    prior, normal = np.empty((count, 6, 6)), np.empty((6, 6))
    right = np.empty(6)
    for t in range(len(joints)):
        for j in range(count):
            _invert(covariance[t, j], prior[j])
            state[t, j] = joints[t, j]
            spread[t, j] = covariance[t, j]
        for _ in range(rounds):
            for v in range(views):
                for j in range(count):
                    _look_at_joint(projection[t, v], state[t, j], lag[t, v], least_depth, place[v, j], slope[v, j])
                    uu, uv, vv = 0.0, 0.0, 0.0
                    for a in range(3):
                        for b in range(3):
                            part = spread[t, j, a, b]
                            uu += slope[v, j, 0, a] * part * slope[v, j, 0, b]
                            uv += slope[v, j, 0, a] * part * slope[v, j, 1, b]
                            vv += slope[v, j, 1, a] * part * slope[v, j, 1, b]
                    gain[v, j] = 0.0
                    for label in range(2):
                        k = j if label == 0 else mirror[j]
                        distance[label, v, j] = 0.0
                        if not seen[t, v, k]:
                            continue
                        p, q = uu + variance[t, v, k], vv + variance[t, v, k]
                        x, y = pixels[t, v, k, 0] - place[v, j, 0], pixels[t, v, k, 1] - place[v, j, 1]
                        determinant = max(p * q - uv * uv, 1e-9)
                        distance[label, v, j] = (q * x * x - 2 * uv * x * y + p * y * y) / determinant
                        loss = (freedom + 2) * np.log1p(distance[label, v, j] / freedom) + np.log(determinant)
                        gain[v, j] += loss / 2 if label else -loss / 2
                total = 0.0
                for j in range(count):
                    k = mirror[j]
                    if j < k and seen[t, v, j] and seen[t, v, k]:
                        doubt[v, j] = max(min(gain[v, j] + gain[v, k], most_evidence), -most_evidence)
                        total += doubt[v, j]
                    else:
                        doubt[v, j] = 0.0
                for j in range(count):
                    k = mirror[j]
                    own = 1.0
                    if j != k:
                        pair = doubt[v, min(j, k)]
                        odds = pair + shared * (total - pair - exchanged[t, v]) + prior_odds
                        own = 1 / (1 + np.exp(min(-odds, 50.0)))
                    share[0, v, j] = own if seen[t, v, j] else 0.0
                    share[1, v, j] = 1 - own if seen[t, v, k] else 0.0
            for j in range(count):
                k = mirror[j]
                contradiction, shown = 0.0, 0
                for v in range(views):
                    known = max(share[0, v, j] + share[1, v, j], 1e-12)
                    share[0, v, j] /= known
                    share[1, v, j] /= known
                    doubt[v, j] = known
                    if seen[t, v, j]:
                        misfit = share[0, v, j] * distance[0, v, j] + share[1, v, j] * distance[1, v, j]
                        contradiction += min(misfit, most_misfit)
                        shown += 1
                factor = max(contradiction / max(2 * shown, 1), 1.0) if arm[j] else 1.0
                for a in range(6):
                    right[a] = 0.0
                    for b in range(6):
                        normal[a, b] = prior[j, a, b]
                        right[a] += prior[j, a, b] * (joints[t, j, b] - state[t, j, b])
                for v in range(views):
                    known = doubt[v, j]
                    if not known > 1e-6:
                        continue
                    first, second = share[0, v, j], share[1, v, j]
                    grown = 0.0
                    if first > 0:
                        grown += first * variance[t, v, j] * max(1.0, (freedom + distance[0, v, j]) / (freedom + 2))
                    if second > 0:
                        grown += second * variance[t, v, k] * max(1.0, (freedom + distance[1, v, j]) / (freedom + 2))
                    x, y = pixels[t, v, j, 0] - pixels[t, v, k, 0], pixels[t, v, j, 1] - pixels[t, v, k, 1]
                    noise = (grown + first * second * (x * x + y * y) / 2) / min(known, 1.0) * factor
                    weight, late = 1 / (persistence * noise), lag[t, v]
                    for axis in range(2):
                        aim = first * pixels[t, v, j, axis] + second * pixels[t, v, k, axis] - place[v, j, axis]
                        for a in range(3):
                            pull = weight * slope[v, j, axis, a]
                            right[a] += pull * aim
                            right[3 + a] -= late * pull * aim
                            for b in range(3):
                                part = pull * slope[v, j, axis, b]
                                normal[a, b] += part
                                normal[a, 3 + b] -= late * part
                                normal[3 + a, b] -= late * part
                                normal[3 + a, 3 + b] += late * late * part
                _invert(normal, spread[t, j])
                for a in range(6):
                    for b in range(6):
                        state[t, j, a] += spread[t, j, a, b] * right[b]
        for v in range(views):
            for j in range(count):
                _look_at_joint(projection[t, v], state[t, j], lag[t, v], least_depth, place[v, j], slope[v, j])
                for label in range(2):
                    k = j if label == 0 else mirror[j]
                    x, y = pixels[t, v, k, 0] - place[v, j, 0], pixels[t, v, k, 1] - place[v, j, 1]
                    square[label, t, v, j] = x * x + y * y
