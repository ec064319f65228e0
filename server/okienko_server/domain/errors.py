"""Everything the rules can refuse, each with a stable code. HTTP statuses live in `problems.py`, sentences in the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime


class DomainError(Exception):
    """A refusal with a stable `code`; `field` names the input it belongs to, when there is one."""

    code = "bad_request"

    def __init__(self, *, field: str = "") -> None:
        super().__init__(self.code)
        self.field = field


class FieldRefused(DomainError):
    """One input broke a rule; the code says which."""

    def __init__(self, code: str, *, field: str) -> None:
        self.code = code
        super().__init__(field=field)


class FieldsRefused(DomainError):
    """Several inputs broke rules: `errors` maps field -> code. The first code stands for all."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        self.code = next(iter(errors.values()), "bad_request")
        super().__init__(field=next(iter(errors), ""))


class NotFound(DomainError):
    """Nothing under that id within the caller's scope; a foreign clinic's object answers the same."""

    code = "not_found"


class ForeignClinic(DomainError):
    """A pinned scope was asked for another clinic."""

    code = "foreign_clinic"


class NotAllowed(DomainError):
    """The caller's role has no such right (`domain.roles`)."""

    code = "not_allowed"


class EditConflict(DomainError):
    """Somebody else changed the same thing since it was read; what was typed is still with the caller."""

    code = "edit_conflict"


class ClinicUnavailable(DomainError):
    """The clinic takes no online appointments now (trial, no contract, switched off)."""

    code = "clinic_unavailable"


class ClinicPaused(DomainError):
    """The clinic takes no online appointments for a while: what it says, whom to call, the local day it is back (None: it does not say)."""

    code = "clinic_paused"

    def __init__(self, clinic: str, message: str, phone: str, back_on: date | None) -> None:
        self.clinic, self.message, self.phone, self.back_on = clinic, message, phone, back_on
        super().__init__()


class SlotRefused(DomainError):
    """The start asked for was never on offer; `code` is one of slot_past, slot_short_notice, slot_beyond_horizon,
    slot_off_grid, slot_outside_hours, slot_unqualified."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(field="slot")


class SlotTaken(DomainError):
    """Somebody was faster. `alternatives` are up to three nearest free starts, aware UTC."""

    code = "slot_taken"

    def __init__(self, alternatives: Sequence[datetime] = ()) -> None:
        self.alternatives = tuple(alternatives)
        super().__init__(field="slot")


class HoldExpired(DomainError):
    """The time was kept for ten minutes, these passed, and it is no longer this visitor's."""

    code = "hold_expired"

    def __init__(self, alternatives: Sequence[datetime] = (), *, start: datetime | None = None) -> None:
        self.alternatives = tuple(alternatives)
        self.start = start
        super().__init__(field="slot")

    @property
    def still_free(self) -> bool:
        """True when nobody took the time meanwhile: it may simply be chosen again."""
        return self.start in self.alternatives


class CodeRefused(DomainError):
    """The SMS code was not accepted: code_wrong, code_expired, code_used or code_exhausted."""

    def __init__(self, code: str, *, tries_left: int | None = None) -> None:
        self.code = code
        self.tries_left = tries_left
        super().__init__(field="code")


class ResendRefused(DomainError):
    """No new code now: resend_too_soon, sms_too_many (`wait_seconds` says how long), resend_limit, or sms_paused for the whole clinic."""

    def __init__(self, code: str, *, wait_seconds: int = 0) -> None:
        self.code = code
        self.wait_seconds = wait_seconds
        super().__init__(field="code")


class ProofNeeded(DomainError):
    """Codes are asked for unusually often just now: a little work, or a moment's wait, before one leaves (`domain.proof`)."""

    code = "proof_needed"

    def __init__(self, challenge: str, bits: int, wait_seconds: int) -> None:
        self.challenge, self.bits, self.wait_seconds = challenge, bits, wait_seconds
        super().__init__()


class StepNotAllowed(DomainError):
    """The appointment's life cycle has no such step from where it stands."""

    code = "step_not_allowed"


class IdempotencyMismatch(DomainError):
    """The idempotency key was used before with a different request."""

    code = "idempotency_mismatch"


class SignInRefused(DomainError):
    """E-mail or password is wrong; deliberately not saying which."""

    code = "sign_in_refused"


class TriedTooOften(DomainError):
    """Too many tries within a window; `wait_seconds` says when the next may come."""

    code = "tried_too_often"

    def __init__(self, wait_seconds: int) -> None:
        self.wait_seconds = wait_seconds
        super().__init__()


class TokenRefused(DomainError):
    """The credential does not open this door: token_invalid, token_revoked, session_invalid or session_expired."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__()


class OriginRefused(DomainError):
    """The page that frames the widget is not among those its clinic or portal allowed."""

    code = "origin_refused"


class CsrfRefused(DomainError):
    """A staff form came without its session's own token, or from another site."""

    code = "csrf_refused"
