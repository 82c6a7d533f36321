"""Messages to and from the plain types of the stages."""

from __future__ import annotations

import array

import numpy as np
from geometry_msgs.msg import Point

from walkout import msg
from walkout.carts.types import Cart, CartLine, GateEvent, GateEventKind, PartyKind, Receipt, Review
from walkout.drivers.types import GateSignal, GateSignalKind, ReadingBatch
from walkout.interactions.shelf_monitor import PlateHealth
from walkout.interactions.types import Hypothesis, Interaction, InteractionKind, WeightEvent
from walkout.perception.types import KEYPOINT_COUNT, Detections
from walkout.ros.stamps import header, to_ns, to_time
from walkout.store.model import Camera
from walkout.tracking.types import Revision, Shoppers, ShopperState, TrackState

STORE_FRAME = "store"


def detections_to_msg(detections: Detections, camera: Camera) -> msg.Detections:
    """Return the message of what one camera sees."""
    message = msg.Detections(
        header=header(detections.stamp_ns, camera.frame_id),
        camera_id=detections.camera_id,
        width=camera.width,
        height=camera.height,
    )
    for box, score, keypoints, appearance in zip(
        detections.boxes.tolist(),
        detections.scores.tolist(),
        detections.keypoints.tolist(),
        detections.appearance,
        strict=True,
    ):
        message.detections.append(
            msg.Detection(
                x1=box[0],
                y1=box[1],
                x2=box[2],
                y2=box[3],
                score=score,
                keypoints=[msg.Keypoint2D(x=x, y=y, confidence=c) for x, y, c in keypoints],
                appearance=array.array("f", appearance.astype(np.float32).tobytes()),
            )
        )
    return message


def msg_to_detections(message: msg.Detections) -> Detections:
    """Return what one camera sees. Raises ValueError when a detection has neither 12 keypoints nor none."""
    found = message.detections
    count = len(found)
    keypoints = np.zeros((count, KEYPOINT_COUNT, 3), np.float32)
    for row, detection in enumerate(found):
        if detection.keypoints:
            if len(detection.keypoints) != KEYPOINT_COUNT:
                raise ValueError(f"camera {message.camera_id}: {len(detection.keypoints)} keypoints, expected 12")
            keypoints[row] = [(k.x, k.y, k.confidence) for k in detection.keypoints]
    width = max((len(d.appearance) for d in found), default=0)
    appearance = np.zeros((count, width), np.float32)
    for row, detection in enumerate(found):
        appearance[row, : len(detection.appearance)] = detection.appearance
    return Detections(
        camera_id=message.camera_id,
        stamp_ns=to_ns(message.header.stamp),
        boxes=np.array([(d.x1, d.y1, d.x2, d.y2) for d in found], np.float32).reshape(count, 4),
        scores=np.array([d.score for d in found], np.float32),
        keypoints=keypoints,
        appearance=appearance,
    )


def shoppers_to_msg(shoppers: Shoppers) -> msg.Shoppers:
    """Return the message of all shoppers at one time."""
    return msg.Shoppers(
        header=header(shoppers.stamp_ns, STORE_FRAME), shoppers=[_shopper_to_msg(state) for state in shoppers.shoppers]
    )


def _shopper_to_msg(state: ShopperState) -> msg.Shopper:
    joints = zip(state.keypoints.tolist(), state.keypoint_sd.tolist(), strict=True)
    return msg.Shopper(
        track_id=state.track_id,
        state=int(state.state),
        existence_probability=float(state.existence_probability),
        mean=np.asarray(state.mean, np.float64),
        covariance=np.asarray(state.covariance, np.float64).ravel(),
        heading=float(state.heading),
        from_entry=state.from_entry,
        joints=[msg.Joint(position=Point(x=p[0], y=p[1], z=p[2]), sd=sd) for p, sd in joints],
        views=list(state.views),
        candidate_ids=list(state.candidate_ids),
        candidate_probabilities=[float(p) for p in state.candidate_probabilities],
        revised_ids=list(state.revision.candidate_ids) if state.revision else [],
        revised_probabilities=[float(p) for p in state.revision.candidate_probabilities] if state.revision else [],
        revised_since=to_time(state.revision.since_ns if state.revision else 0),
        group_id=state.group_id,
        group_probability=float(state.group_probability),
    )


def msg_to_shoppers(message: msg.Shoppers) -> Shoppers:
    """Return all shoppers at one time."""
    return Shoppers(to_ns(message.header.stamp), tuple(_msg_to_shopper(shopper) for shopper in message.shoppers))


def _msg_to_shopper(message: msg.Shopper) -> ShopperState:
    joints = message.joints
    return ShopperState(
        track_id=int(message.track_id),
        state=TrackState(message.state),
        existence_probability=float(message.existence_probability),
        mean=np.array(message.mean, np.float64),
        covariance=np.array(message.covariance, np.float64).reshape(5, 5),
        keypoints=np.array([(j.position.x, j.position.y, j.position.z) for j in joints], np.float64),
        keypoint_sd=np.array([j.sd for j in joints], np.float64),
        heading=float(message.heading),
        views=tuple(message.views),
        candidate_ids=tuple(int(value) for value in message.candidate_ids),
        candidate_probabilities=tuple(float(value) for value in message.candidate_probabilities),
        from_entry=bool(message.from_entry),
        group_id=int(message.group_id),
        group_probability=float(message.group_probability),
        revision=_msg_to_revision(message),
    )


def _msg_to_revision(message: msg.Shopper) -> Revision | None:
    if not message.revised_ids:
        return None
    ids = tuple(int(value) for value in message.revised_ids)
    return Revision(to_ns(message.revised_since), ids, tuple(float(value) for value in message.revised_probabilities))


def readings_to_msg(batch: ReadingBatch) -> msg.ShelfReadings:
    """Return the message of a batch of plate samples."""
    grams = array.array("f")
    grams.frombytes(np.ascontiguousarray(batch.grams, np.float32).tobytes())
    return msg.ShelfReadings(
        header=header(batch.stamp_ns, f"fixture_{batch.fixture_id}"),
        fixture_id=batch.fixture_id,
        period_ns=batch.period_ns,
        plates=batch.grams.shape[1],
        grams=grams,
    )


def msg_to_readings(message: msg.ShelfReadings) -> ReadingBatch:
    """Return a batch of plate samples. Raises ValueError when the samples do not fill the plates."""
    grams = np.frombuffer(message.grams, np.float32)
    if message.plates == 0 or len(grams) % message.plates:
        raise ValueError(f"shelf {message.fixture_id}: {len(grams)} samples do not fill {message.plates} plates")
    return ReadingBatch(
        message.fixture_id, to_ns(message.header.stamp), message.period_ns, grams.reshape(-1, message.plates)
    )


def weight_event_to_msg(event: WeightEvent) -> msg.WeightEvent:
    """Return the message of a weight event."""
    return msg.WeightEvent(
        header=header(event.end_ns, f"fixture_{event.fixture_id}"),
        event_id=event.event_id,
        fixture_id=event.fixture_id,
        lane_ids=list(event.lane_ids),
        lane_deltas_g=[float(value) for value in event.lane_deltas_g],
        onset=to_time(event.onset_ns),
        end=to_time(event.end_ns),
        delta_g=float(event.delta_g),
        sd_g=float(event.sd_g),
        provisional=event.provisional,
    )


def msg_to_weight_event(message: msg.WeightEvent) -> WeightEvent:
    """Return a weight event."""
    return WeightEvent(
        event_id=message.event_id,
        fixture_id=message.fixture_id,
        lane_ids=tuple(message.lane_ids),
        lane_deltas_g=tuple(float(value) for value in message.lane_deltas_g),
        onset_ns=to_ns(message.onset),
        end_ns=to_ns(message.end),
        delta_g=float(message.delta_g),
        sd_g=float(message.sd_g),
        provisional=bool(message.provisional),
    )


def plate_health_to_msg(health: PlateHealth, stamp_ns: int) -> msg.SensorHealth:
    """Return the message of a load cell's state."""
    return msg.SensorHealth(
        header=header(stamp_ns, STORE_FRAME),
        sensor_id=health.lane_id,
        state=int(health.condition),
        rate=float("nan"),
        noise_g=float(health.noise_g),
        drift_g_per_h=float(60 * health.drift_g_per_minute),
        message=f"load cell of {health.lane_id}: {health.condition.name.lower()}",
    )


def interaction_to_msg(interaction: Interaction) -> msg.Interaction:
    """Return the message of an explained event."""
    return msg.Interaction(
        header=header(interaction.event.end_ns, STORE_FRAME),
        interaction_id=interaction.interaction_id,
        event=weight_event_to_msg(interaction.event),
        hypotheses=[
            msg.Hypothesis(
                track_id=h.track_id, kind=int(h.kind), sku=h.sku, quantity=h.quantity, probability=float(h.probability)
            )
            for h in interaction.hypotheses
        ],
    )


def msg_to_interaction(message: msg.Interaction) -> Interaction:
    """Return an explained event."""
    return Interaction(
        message.interaction_id,
        msg_to_weight_event(message.event),
        tuple(
            Hypothesis(int(h.track_id), h.sku, int(h.quantity), InteractionKind(h.kind), float(h.probability))
            for h in message.hypotheses
        ),
    )


def gate_signal_to_msg(signal: GateSignal) -> msg.GateSignal:
    """Return the message of a gate's report."""
    return msg.GateSignal(
        header=header(signal.stamp_ns, f"fixture_{signal.gate_id}"),
        gate_id=signal.gate_id,
        kind=int(signal.kind),
        token=signal.token,
    )


def msg_to_gate_signal(message: msg.GateSignal) -> GateSignal:
    """Return a gate's report."""
    return GateSignal(message.gate_id, to_ns(message.header.stamp), GateSignalKind(message.kind), message.token)


def gate_event_to_msg(event: GateEvent) -> msg.GateEvent:
    """Return the message of a gate event."""
    return msg.GateEvent(
        header=header(event.stamp_ns, f"fixture_{event.gate_id}"),
        event_id=event.event_id,
        gate_id=event.gate_id,
        kind=int(event.kind),
        session_id=event.session_id,
        party_kind=int(event.party_kind),
        reason=event.reason,
    )


def msg_to_gate_event(message: msg.GateEvent) -> GateEvent:
    """Return a gate event."""
    return GateEvent(
        event_id=message.event_id,
        gate_id=message.gate_id,
        stamp_ns=to_ns(message.header.stamp),
        kind=GateEventKind(message.kind),
        session_id=message.session_id,
        party_kind=PartyKind(message.party_kind),
        reason=message.reason,
    )


def cart_to_msg(cart: Cart) -> msg.Cart:
    """Return the message of a live cart."""
    return msg.Cart(
        header=header(cart.stamp_ns, STORE_FRAME),
        cart_id=cart.cart_id,
        session_id=cart.session_id,
        party_kind=int(cart.party_kind),
        state=int(cart.state),
        opened=to_time(cart.opened_ns),
        track_ids=list(cart.track_ids),
        lines=[_line_to_msg(line) for line in cart.lines],
        total=msg.Money(minor=cart.total_minor, currency=cart.currency),
    )


def receipt_to_msg(receipt: Receipt) -> msg.Receipt:
    """Return the message of a receipt."""
    return msg.Receipt(
        header=header(receipt.stamp_ns, STORE_FRAME),
        receipt_id=receipt.receipt_id,
        kind=int(receipt.kind),
        corrects_receipt_id=receipt.corrects_receipt_id,
        cart_id=receipt.cart_id,
        session_id=receipt.session_id,
        entered=to_time(receipt.entered_ns),
        exited=to_time(receipt.exited_ns),
        lines=[_line_to_msg(line) for line in receipt.lines],
        total=msg.Money(minor=receipt.total_minor, currency=receipt.currency),
        payment_state=int(receipt.payment_state),
        payment_reference=receipt.payment_reference,
        needs_review=receipt.needs_review,
    )


def review_to_msg(review: Review) -> msg.Review:
    """Return the message of a review."""
    return msg.Review(
        header=header(review.stamp_ns, STORE_FRAME),
        review_id=review.review_id,
        state=int(review.state),
        receipt_id=review.receipt_id,
        interaction_ids=list(review.interaction_ids),
        proposed_lines=[_line_to_msg(line) for line in review.proposed_lines],
        at_stake=msg.Money(minor=review.at_stake_minor, currency=review.currency),
        reason=review.reason,
    )


def _line_to_msg(line: CartLine) -> msg.CartLine:
    return msg.CartLine(
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        total_minor=line.total_minor,
        probability=float(line.probability),
        interaction_ids=list(line.interaction_ids),
    )
