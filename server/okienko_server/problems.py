"""The one table from refusals to HTTP: every DomainError code has a status here, and nothing below the web knows it."""

from __future__ import annotations

from okienko_server.domain.errors import DomainError

STATUS: dict[str, int] = {
    "required": 422,
    "phone_invalid": 422,
    "phone_landline": 422,
    "phone_foreign": 422,
    "phone_premium": 422,
    "name_too_long": 422,
    "text_too_long": 422,
    "consent_required": 422,
    "date_invalid": 422,
    "choice_required": 422,
    "hours_unreadable": 422,
    "hours_backwards": 422,
    "hours_off_grid": 422,
    "hours_overlap": 422,
    "absence_invalid": 422,
    "record_too_long": 422,
    "record_empty": 422,
    "reason_too_long": 422,
    "title_too_long": 422,
    "icd10_invalid": 422,
    "icf_invalid": 422,
    "pain_invalid": 422,
    "age_required": 422,
    "age_invalid": 422,
    "category_unknown": 422,
    "code_wrong": 422,
    "code_expired": 410,
    "code_used": 409,
    "code_exhausted": 429,
    "resend_too_soon": 429,
    "resend_limit": 429,
    "slot_taken": 409,
    "slot_past": 422,
    "slot_outside_hours": 422,
    "slot_off_grid": 422,
    "slot_beyond_horizon": 422,
    "slot_short_notice": 422,
    "slot_unqualified": 422,
    "hold_expired": 410,
    "session_expired": 401,
    "session_invalid": 401,
    "token_invalid": 401,
    "token_revoked": 403,
    "origin_refused": 403,
    "clinic_unavailable": 403,
    "foreign_clinic": 403,
    "sign_in_refused": 401,
    "csrf_refused": 403,
    "not_allowed": 403,
    "edit_conflict": 409,
    "not_found": 404,
    "method_not_allowed": 405,
    "step_not_allowed": 409,
    "idempotency_mismatch": 422,
    "too_large": 413,
    "bad_request": 400,
}


def status_of(error: DomainError) -> int:
    """Return the HTTP status of a refusal."""
    return STATUS[error.code]
