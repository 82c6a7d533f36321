"""A NanoStore recording through our own stages: grams to events, joints to shoppers, both to receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.carts.settlement import SettlementParameters, settle
from walkout.drivers.types import ReadingBatch
from walkout.evaluation.nanostore_files import NanoStoreRecording, PlateMessage, Target
from walkout.evaluation.nanostore_store import NanoStore, build_store
from walkout.interactions.attribution import AttributionParameters, Attributor
from walkout.interactions.shelf_monitor import ShelfMonitor, ShelfMonitorParameters
from walkout.interactions.types import Interaction, WeightEvent
from walkout.perception.types import Keypoint
from walkout.tracking.types import Shoppers, ShopperState, TrackState

FloatArray = NDArray[np.float64]

_TRUNK = [Keypoint.NECK, Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER, Keypoint.HEAD]
# A joint of score 1 is this well known per axis; a worse one in proportion, and one below the least not at all.
_JOINT_SD_M = 0.04
_LEAST_SCORE = 0.2
# Somebody who was not seen for a moment is somewhere near, the less surely the longer; after this he has left.
_HOLD_S = 8.0
_WANDER_M_PER_S = 0.4
_LINGER_S = 20.0
# Stamps of messages tremble; beyond this a message is late because others are missing.
_TREMBLE_S = 0.1


@dataclass(frozen=True)
class NanoLine:
    """So many of a product, with the probability that this is right."""

    sku: str
    name: str
    quantity: int
    probability: float


@dataclass(frozen=True)
class NanoReceipt:
    """What a shopper is charged for; ``doubts`` are lines that a person should look at instead."""

    shopper: str
    lines: tuple[NanoLine, ...]
    doubts: tuple[NanoLine, ...]


@dataclass(frozen=True)
class NanoResult:
    """Everything a recording gave. Tracks are named in ``shopper_by_track``; times count from ``start_ns``."""

    start_ns: int
    events: tuple[WeightEvent, ...]
    interactions: tuple[Interaction, ...]
    receipts: tuple[NanoReceipt, ...]
    shopper_by_track: dict[int, str]
    store: NanoStore


def replay(recording: NanoStoreRecording, progress: Callable[[float], None] | None = None) -> NanoResult:
    """Run a recording through the shelf monitor, the attribution and the settlement with the store's parameters."""
    nano = build_store(recording)
    attributor = Attributor(AttributionParameters(), nano.store)
    # Products that share a plate are regulars of its lane, as after re-merchandising.
    regular = AttributionParameters().planogram.adopt_pieces
    attributor.restore_belief({lane: dict.fromkeys(skus, regular) for lane, skus in nano.shared.items()})
    monitors = {f.fixture_id: ShelfMonitor(ShelfMonitorParameters(), f) for f in nano.store.fixtures}
    tracks = _tracks(recording)
    steps: list[tuple[int, int, ReadingBatch | Shoppers]] = []
    steps += [(batch.stamp_ns, 0, batch) for batch in _batches(recording, nano)]
    steps += [(shoppers.stamp_ns, 1, shoppers) for shoppers in _shoppers(recording, tracks)]
    steps.sort(key=lambda step: step[:2])
    finals: list[WeightEvent] = []
    for number, (stamp_ns, _, what) in enumerate(steps):
        if isinstance(what, Shoppers):
            attributor.add_shoppers(what)
            attributor.advance(stamp_ns)
        else:
            for event in monitors[what.fixture_id].add(what):
                attributor.add_event(event)
                finals += [event] if not event.provisional and event.delta_g != 0 else []
        if progress:
            progress((number + 1) / len(steps))
    end_ns = steps[-1][0] + int(_LINGER_S * 1e9)
    attributor.advance(end_ns)
    return _result(nano, attributor, finals, tracks, steps[0][0], end_ns)


def _result(
    nano: NanoStore,
    attributor: Attributor,
    finals: list[WeightEvent],
    tracks: dict[str, int],
    start_ns: int,
    end_ns: int,
) -> NanoResult:
    interactions: dict[str, Interaction] = {}
    receipts = []
    for shopper, track_id in tracks.items():
        visit = attributor.estimate_visit([track_id], start_ns, end_ns)
        interactions |= {interaction.interaction_id: interaction for interaction in visit.interactions}
        settlement = settle(visit, nano.store, SettlementParameters())
        lines = tuple(NanoLine(x.sku, x.name, x.quantity, x.probability) for x in settlement.lines)
        doubtful = tuple(doubt.proposed for doubt in settlement.doubts)
        doubts = tuple(NanoLine(x.sku, x.name, x.quantity, x.probability) for x in doubtful)
        receipts.append(NanoReceipt(shopper, lines, doubts))
    finals.sort(key=lambda event: event.onset_ns)
    explained = sorted(interactions.values(), key=lambda interaction: interaction.event.onset_ns)
    names = {track_id: shopper for shopper, track_id in tracks.items()}
    return NanoResult(start_ns, tuple(finals), tuple(explained), tuple(receipts), names, nano)


def _tracks(recording: NanoStoreRecording) -> dict[str, int]:
    """Return a track id for every target, in order of appearance."""
    names = dict.fromkeys(target.target_id for frame in recording.frames for target in frame.targets)
    return {name: number for number, name in enumerate(names, start=1)}


def _batches(recording: NanoStoreRecording, nano: NanoStore) -> Iterator[ReadingBatch]:
    """Yield the messages of all gondolas that have a place, evenly stamped."""
    for fixture_id, plates in nano.plates.items():
        rows = [plate.shelf for plate in plates]
        columns = [plate.plate for plate in plates]
        next_ns: int | None = None
        for message in recording.messages:
            if message.gondola != fixture_id:
                continue
            period_ns = round(1e9 / message.rate_hz)
            stamp_ns = _even_stamp(message, next_ns)
            if stamp_ns is None:
                continue
            grams = message.grams[:, rows, columns]
            grams = np.where(np.abs(grams) < 1e6, grams, np.nan)
            next_ns = stamp_ns + len(grams) * period_ns
            yield ReadingBatch(fixture_id, stamp_ns, period_ns, grams.astype(np.float32))


def _even_stamp(message: PlateMessage, next_ns: int | None) -> int | None:
    """Return the stamp of a message's first sample, None when its samples were seen already (sent twice)."""
    if next_ns is None:
        return message.stamp_ns
    late_ns = message.stamp_ns - next_ns
    seconds = len(message.grams) / message.rate_hz
    if late_ns < -0.75 * seconds * 1e9:
        return None
    # Follow the device's clock slowly; a jump means that messages are missing.
    return next_ns + max(0, late_ns // 20) if late_ns < _TREMBLE_S * 1e9 else message.stamp_ns


def _shoppers(recording: NanoStoreRecording, tracks: dict[str, int]) -> Iterator[Shoppers]:
    """Yield everybody at every frame; who was not seen for a moment is held where he was, with growing doubt."""
    last: dict[str, tuple[int, FloatArray, float]] = {}
    for frame in recording.frames:
        states = []
        seen = {target.target_id: target for target in frame.targets}
        for target_id, track_id in tracks.items():
            target = seen.get(target_id)
            body = _body(target) if target is not None else None
            if target is not None and body is not None:
                last[target_id] = (frame.stamp_ns, body[:2], float(body[2]))
            if target_id not in last:
                continue
            stamp_ns, position, height = last[target_id]
            unseen_s = (frame.stamp_ns - stamp_ns) * 1e-9
            if unseen_s <= _HOLD_S:
                sd = 0.05 + _WANDER_M_PER_S * unseen_s
                states.append(_state(track_id, position, height, sd, target))
        yield Shoppers(frame.stamp_ns, tuple(states))


def _body(target: Target) -> FloatArray | None:
    """Return x, y on the floor and the height of a target (3,), None when no joint is known."""
    known = np.asarray(np.isfinite(target.joints).all(axis=1))
    trunk = [joint for joint in _TRUNK if known[joint]]
    chosen = target.joints[trunk] if trunk else target.joints[known]
    if len(chosen) == 0:
        return None
    return np.append(chosen[:, :2].mean(axis=0), chosen[:, 2].max() + 0.1)


def _state(track_id: int, position: FloatArray, height: float, sd: float, target: Target | None) -> ShopperState:
    joints, sds = np.full((len(Keypoint), 3), np.nan), np.full(len(Keypoint), np.nan)
    if target is not None:
        good = np.isfinite(target.joints).all(axis=1) & (target.scores >= _LEAST_SCORE)
        joints[good] = target.joints[good]
        sds[good] = _JOINT_SD_M / np.clip(target.scores[good], _LEAST_SCORE, 1.0)
    return ShopperState(
        track_id=track_id,
        state=TrackState.CONFIRMED,
        existence_probability=1.0,
        mean=np.array([position[0], position[1], 0.0, 0.0, height]),
        covariance=np.diag([sd**2, sd**2, 0.25, 0.25, 0.01]),
        keypoints=joints,
        keypoint_sd=sds,
        heading=0.0,
        candidate_ids=(track_id,),
        candidate_probabilities=(1.0,),
        from_entry=True,
    )
