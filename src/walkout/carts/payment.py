"""The payment provider behind a small interface, and a sandbox that behaves like one and remembers what it did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import sqlalchemy as sa

from walkout.carts.database import open_engine
from walkout.carts.types import PartyKind


class PaymentUnavailableError(RuntimeError):
    """The provider gave no answer; the same call with the same key may be repeated at any time."""


@dataclass(frozen=True)
class Authorisation:
    """The provider's answer to a token: a hold on the payer's money, or a refusal with its reason."""

    approved: bool
    reference: str = ""
    party_kind: PartyKind = PartyKind.SHOPPER
    reason: str = ""


class PaymentOutcome(IntEnum):
    """What became of a capture, release or refund."""

    UNKNOWN = 0
    DONE = 1
    REFUSED = 2


@dataclass(frozen=True)
class PaymentResult:
    """The provider's answer to a capture, release or refund."""

    outcome: PaymentOutcome
    reference: str = ""
    reason: str = ""


class PaymentProvider(Protocol):
    """What Walkout asks of a payment provider.

    Every call carries an idempotency key: repeating it with the same key does nothing and returns the first answer.
    Any call may raise PaymentUnavailableError.
    """

    def authorise(self, token: str, idempotency_key: str) -> Authorisation:
        """Verify a payment method and hold money on it."""

    def find_authorisation(self, idempotency_key: str) -> Authorisation | None:
        """Return the answer given to an earlier ``authorise`` with this key, None when there was none."""

    def capture(self, reference: str, amount_minor: int, currency: str, idempotency_key: str) -> PaymentResult:
        """Take money from the hold ``reference``."""

    def release(self, reference: str, idempotency_key: str) -> PaymentResult:
        """Let go of the hold ``reference``."""

    def refund(self, reference: str, amount_minor: int, currency: str, idempotency_key: str) -> PaymentResult:
        """Give back money that was captured from the hold ``reference``."""


_METADATA = sa.MetaData()
_HOLDS = sa.Table(
    "holds",
    _METADATA,
    sa.Column("hold", sa.Integer, primary_key=True),
    sa.Column("key", sa.String, unique=True, nullable=False),
    sa.Column("behaviour", sa.String, nullable=False),
    sa.Column("approved", sa.Boolean, nullable=False),
    sa.Column("party_kind", sa.Integer, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("released", sa.Boolean, nullable=False, default=False),
)
_MOVEMENTS = sa.Table(
    "movements",
    _METADATA,
    sa.Column("movement", sa.Integer, primary_key=True),
    sa.Column("key", sa.String, unique=True, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("hold", sa.Integer, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("outcome", sa.Integer, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
)


class SandboxPaymentProvider:
    """A provider for trials, with a database of its own: it survives a restart of the store as a real one would.

    The token says what happens, with ``card-`` or ``app-`` before it or without: ``ok-…`` is approved, ``staff-…`` is a
    staff badge, ``declined-…`` is refused, ``nocapture-…`` is approved but refuses the capture, ``offline-…`` gives no
    answer, anything else is unknown.
    """

    def __init__(self, url: str = "sqlite://") -> None:
        """Open the sandbox's database; the default keeps it in memory."""
        self._engine = open_engine(url)
        with self._engine.execution_options(write=True).begin() as connection:
            _METADATA.create_all(connection)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def authorise(self, token: str, idempotency_key: str) -> Authorisation:
        """See PaymentProvider."""
        if _behaviour(token) == "offline":
            raise PaymentUnavailableError("the sandbox plays a provider that gives no answer to this token")
        with self._engine.execution_options(write=True).begin() as connection:
            known = _find_hold(connection, idempotency_key)
            if known is not None:
                return known
            behaviour = _behaviour(token)
            answer = _ANSWERS.get(behaviour, _UNKNOWN)
            connection.execute(
                _HOLDS.insert().values(
                    key=idempotency_key,
                    behaviour=behaviour,
                    approved=answer.approved,
                    party_kind=int(answer.party_kind),
                    reason=answer.reason,
                )
            )
            made = _find_hold(connection, idempotency_key)
        if made is None:
            raise PaymentUnavailableError("the sandbox's database lost an authorisation")
        return made

    def find_authorisation(self, idempotency_key: str) -> Authorisation | None:
        """See PaymentProvider."""
        with self._engine.connect() as connection:
            return _find_hold(connection, idempotency_key)

    def capture(self, reference: str, amount_minor: int, currency: str, idempotency_key: str) -> PaymentResult:
        """See PaymentProvider."""
        return self._move("capture", reference, amount_minor, currency, idempotency_key)

    def release(self, reference: str, idempotency_key: str) -> PaymentResult:
        """See PaymentProvider."""
        return self._move("release", reference, 0, "", idempotency_key)

    def refund(self, reference: str, amount_minor: int, currency: str, idempotency_key: str) -> PaymentResult:
        """See PaymentProvider."""
        return self._move("refund", reference, amount_minor, currency, idempotency_key)

    def balance_minor(self, reference: str) -> int:
        """Return what has been captured and not given back on a hold."""
        with self._engine.connect() as connection:
            return _balance(connection, _hold_number(reference))

    def _move(self, kind: str, reference: str, amount_minor: int, currency: str, key: str) -> PaymentResult:
        with self._engine.execution_options(write=True).begin() as connection:
            known = connection.execute(sa.select(_MOVEMENTS).where(_MOVEMENTS.c.key == key)).one_or_none()
            if known is None:
                hold = _hold_number(reference)
                reason = _refusal(connection, kind, hold, amount_minor)
                if kind == "release" and not reason:
                    connection.execute(_HOLDS.update().where(_HOLDS.c.hold == hold).values(released=True))
                outcome = PaymentOutcome.REFUSED if reason else PaymentOutcome.DONE
                connection.execute(
                    _MOVEMENTS.insert().values(
                        key=key,
                        kind=kind,
                        hold=hold,
                        amount_minor=amount_minor,
                        currency=currency,
                        outcome=int(outcome),
                        reason=reason,
                    )
                )
                known = connection.execute(sa.select(_MOVEMENTS).where(_MOVEMENTS.c.key == key)).one()
        return PaymentResult(PaymentOutcome(known.outcome), f"sandbox-{known.kind}-{known.movement:06d}", known.reason)


_ANSWERS = {
    "ok": Authorisation(True),
    "nocapture": Authorisation(True),
    "staff": Authorisation(True, party_kind=PartyKind.STAFF),
    "declined": Authorisation(False, reason="the card was declined"),
}
_UNKNOWN = Authorisation(False, reason="the payment token is unknown")


def _behaviour(token: str) -> str:
    return token.removeprefix("card-").removeprefix("app-").split("-")[0]


def _find_hold(connection: sa.Connection, key: str) -> Authorisation | None:
    row = connection.execute(sa.select(_HOLDS).where(_HOLDS.c.key == key)).one_or_none()
    if row is None:
        return None
    reference = f"sandbox-hold-{row.hold:06d}" if row.approved else ""
    return Authorisation(bool(row.approved), reference, PartyKind(row.party_kind), row.reason)


def _hold_number(reference: str) -> int:
    number = reference.removeprefix("sandbox-hold-")
    return int(number) if number.isdigit() else -1


def _balance(connection: sa.Connection, hold: int) -> int:
    rows = connection.execute(
        sa.select(_MOVEMENTS.c.kind, _MOVEMENTS.c.amount_minor).where(
            _MOVEMENTS.c.hold == hold, _MOVEMENTS.c.outcome == int(PaymentOutcome.DONE)
        )
    )
    return sum({"capture": row.amount_minor, "refund": -row.amount_minor}.get(row.kind, 0) for row in rows)


def _refusal(connection: sa.Connection, kind: str, hold: int, amount_minor: int) -> str:
    """Return why the movement is refused, "" when it is not."""
    row = connection.execute(sa.select(_HOLDS).where(_HOLDS.c.hold == hold)).one_or_none()
    if row is None or not row.approved:
        return "there is no such authorisation"
    if amount_minor < 0:
        return "the amount is negative"
    if kind == "capture" and row.released:
        return "the authorisation was released"
    if kind == "capture" and row.behaviour == "nocapture":
        return "the card refused the capture"
    if kind == "refund" and amount_minor > _balance(connection, hold):
        return "more than was captured cannot be refunded"
    return ""


def sandbox_url(ledger_url: str) -> str:
    """Return where the sandbox payment provider keeps its own books: beside the ledger, never in it."""
    prefix, _, path = ledger_url.partition(":///")
    return f"{prefix}:///{path}.sandbox-payments" if path and prefix.startswith("sqlite") else "sqlite://"
