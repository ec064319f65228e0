"""The audit trail: what is written of each act, and the chain of digests that makes a later change visible."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Act(StrEnum):
    """What somebody did; each has a sentence in the staff's catalogue (`audit.act`)."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    CONFIRM = "confirm"
    DECLINE = "decline"
    PUT_IN = "put_in"
    MOVE = "move"
    CANCEL = "cancel"
    FULFIL = "fulfil"
    MISS = "miss"
    ADD_ABSENCE = "add_absence"
    REMOVE_ABSENCE = "remove_absence"
    CHANGE_HOURS = "change_hours"
    CHANGE_SETTINGS = "change_settings"
    SWITCH_ON = "switch_on"
    SWITCH_OFF = "switch_off"
    PAUSE = "pause"
    END_PAUSE = "end_pause"
    IMPORT = "import"
    ALLOW_GUESTS = "allow_guests"
    OPEN_CLINIC = "open_clinic"
    CHANGE_CONTRACT = "change_contract"
    CHANGE_OFFER = "change_offer"
    RENEW_SNIPPETS = "renew_snippets"
    CLEAR_REHEARSALS = "clear_rehearsals"
    ADD_PATIENT = "add_patient"
    CHANGE_PATIENT = "change_patient"
    READ_PATIENT = "read_patient"
    OPEN_EPISODE = "open_episode"
    CLOSE_EPISODE = "close_episode"
    CHANGE_EPISODE = "change_episode"
    SEE_CANDIDATES = "see_candidates"
    CONVERT = "convert"
    BEGIN_DRAFT = "begin_draft"
    DROP_DRAFT = "drop_draft"
    READ_DOCUMENT = "read_document"
    SIGN_DOCUMENT = "sign_document"
    CORRECT_DOCUMENT = "correct_document"
    EXPORT_RECORD = "export_record"
    INVITE = "invite"
    RESET = "reset"
    TAKE_LINK = "take_link"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - the name of an act
    CHANGE_ACCOUNT = "change_account"
    CLOSE_ACCOUNT = "close_account"
    REOPEN_ACCOUNT = "reopen_account"
    TOTP_ON = "totp_on"
    TOTP_OFF = "totp_off"
    END_SESSIONS = "end_sessions"
    OPEN_FEED = "open_feed"
    CLOSE_FEED = "close_feed"
    READ_AUDIT = "read_audit"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act: by whom (a staff id, empty for the house itself), on which object, when. `detail` holds no personal content."""

    clinic_id: str
    number: int
    at: datetime
    staff_id: str
    act: str
    object_kind: str
    object_id: str
    detail: str

    def digest(self, key: bytes, previous: str) -> str:
        """Return the keyed digest over this entry and the digest before it (HMAC-SHA256, hexadecimal)."""
        moment = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        said = [previous, self.clinic_id, self.number, moment, self.staff_id, self.act]
        text = json.dumps([*said, self.object_kind, self.object_id, self.detail], ensure_ascii=True)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def audit_key(pepper: str) -> bytes:
    """Return the key of the chain, derived from the server's pepper: who can write the database cannot forge a digest."""
    return hmac.new(pepper.encode(), b"okienko.audit.v1", hashlib.sha256).digest()
