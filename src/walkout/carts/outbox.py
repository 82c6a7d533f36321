"""Carrying out what the ledger asks of the payment provider: exactly once, however often the store is interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from walkout.carts.entries import Entry, LedgerKind, PaymentRequest
from walkout.carts.ledger import Ledger
from walkout.carts.payment import PaymentOutcome, PaymentProvider, PaymentResult, PaymentUnavailableError
from walkout.carts.types import PaymentState

CAPTURE = "capture"
RELEASE = "release"
REFUND = "refund"
_STATE_WHEN_DONE = {
    CAPTURE: PaymentState.CAPTURED,
    RELEASE: PaymentState.RELEASED,
    REFUND: PaymentState.REFUNDED,
}


@dataclass(frozen=True)
class OutboxParameters:
    """How the payment provider is asked.

    Attributes:
        retry_s: a provider that gives no answer is asked again after this time.
    """

    retry_s: float = 10.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.retry_s <= 0:
            raise ValueError(f"retry_s is {self.retry_s}: must be positive")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "retry_s": (0.1, 3600),
    }


class PaymentOutbox:
    """Works through the payment requests of the ledger in their order.

    The request stands in the ledger before the provider is asked, and its answer after. Between the two the store may
    die: the request is then repeated with the same idempotency key, which the provider answers without acting again.
    """

    def __init__(self, parameters: OutboxParameters, ledger: Ledger, provider: PaymentProvider) -> None:
        """Serve ``ledger`` with ``provider``."""
        self._p = parameters
        self._ledger = ledger
        self._provider = provider
        self._not_before_ns = -1
        self._looked = False
        self.last_error = ""

    def notice(self) -> None:
        """Say that the ledger may hold new requests."""
        self._looked = False

    def advance(self, now_ns: int) -> int:
        """Do what is due and return how many requests were answered."""
        if self._looked or now_ns < self._not_before_ns:
            return 0
        answered = 0
        self._looked = True
        for request in self._ledger.pending_payments():
            try:
                result = self._perform(request)
            except PaymentUnavailableError as error:
                self.last_error = str(error)
                self._looked = False
                self._not_before_ns = now_ns + int(self._p.retry_s * 1e9)
                break
            self._ledger.append(_settled(now_ns, request, result))
            self.last_error = "" if result.outcome is PaymentOutcome.DONE else result.reason
            answered += 1
        return answered

    def _perform(self, request: PaymentRequest) -> PaymentResult:
        if request.operation == CAPTURE:
            return self._provider.capture(request.authorisation, request.amount_minor, request.currency, request.key)
        if request.operation == REFUND:
            return self._provider.refund(request.authorisation, request.amount_minor, request.currency, request.key)
        return self._provider.release(request.authorisation, request.key)


def _settled(now_ns: int, request: PaymentRequest, result: PaymentResult) -> Entry:
    done = result.outcome is PaymentOutcome.DONE
    state = _STATE_WHEN_DONE[request.operation] if done else PaymentState.FAILED
    payload = {
        "key": request.key,
        "receipt_id": request.receipt_id,
        "payment_state": int(state),
        "reference": result.reference,
        "reason": result.reason,
    }
    return Entry(LedgerKind.PAYMENT_SETTLED, now_ns, request.session_id, payload, key=f"payment_settled:{request.key}")
