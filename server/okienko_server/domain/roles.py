"""The one policy table of a clinic's people: which role may do what, and how far it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """The roles of a clinic's people."""

    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    CONSULTANT = "consultant"
    THERAPIST = "therapist"
    RECEPTIONIST = "receptionist"


class Right(StrEnum):
    """What somebody may do; each staff route names exactly one."""

    SEE_SCHEDULE = "see_schedule"
    CHANGE_SCHEDULE = "change_schedule"
    """Confirm and decline; put in, move and cancel appointments; absences."""
    CHANGE_HOURS = "change_hours"
    SEE_PATIENTS = "see_patients"
    """Names and telephones, no documentation."""
    CHANGE_PATIENTS = "change_patients"
    """Tie a reservation to a patient and an episode, add a patient, correct what is known of one."""
    READ_RECORDS = "read_records"
    WRITE_RECORDS = "write_records"
    EXPORT_RECORDS = "export_records"
    MANAGE_STAFF = "manage_staff"
    READ_AUDIT = "read_audit"
    SEE_MONEY = "see_money"
    """The messages' log, with masked numbers, and what they cost."""
    CHANGE_SETTINGS = "change_settings"
    """What the clinic's messages do and may cost."""
    OWN_ACCOUNT = "own_account"


class Reach(StrEnum):
    """Whose: nobody's; one's own patients and schedule; the whole clinic's."""

    NONE = "none"
    OWN = "own"
    ALL = "all"


_N, _O, _A = Reach.NONE, Reach.OWN, Reach.ALL
RIGHTS: Mapping[Right, Mapping[Role, Reach]] = {
    right: dict(zip(Role, row, strict=True))
    for right, row in {
        #                       owner adm  cons ther rec
        Right.SEE_SCHEDULE:    (_A, _A, _A, _O, _A),
        Right.CHANGE_SCHEDULE: (_A, _A, _A, _O, _A),
        Right.CHANGE_HOURS:    (_A, _A, _N, _O, _N),
        Right.SEE_PATIENTS:    (_A, _A, _A, _O, _A),
        Right.CHANGE_PATIENTS: (_A, _A, _A, _O, _A),
        Right.READ_RECORDS:    (_A, _N, _A, _O, _N),
        Right.WRITE_RECORDS:   (_A, _N, _A, _O, _N),
        Right.EXPORT_RECORDS:  (_A, _N, _A, _N, _N),
        Right.MANAGE_STAFF:    (_A, _A, _N, _N, _N),
        Right.READ_AUDIT:      (_A, _A, _N, _N, _N),
        Right.SEE_MONEY:       (_A, _A, _N, _N, _N),
        Right.CHANGE_SETTINGS: (_A, _A, _N, _N, _N),
        Right.OWN_ACCOUNT:     (_O, _O, _O, _O, _O),
    }.items()
}  # fmt: skip


GUEST_RIGHTS = frozenset({Right.CHANGE_SETTINGS, Right.CHANGE_HOURS, Right.SEE_MONEY, Right.READ_AUDIT})
"""What an operator may do whom a clinic let in: help with settings; no schedule, no patients, no documentation, and no accounts, because
one made then would outlive the consent."""


def reach_of(role: str, right: Right) -> Reach:
    """Return how far a role's right reaches; a role nobody knows reaches nothing."""
    try:
        return RIGHTS[right][Role(role)]
    except ValueError:
        return Reach.NONE
