"""The tables, as typed models. `clinic_id` comes first in every primary, foreign and unique key, so that the same schema may be
sharded by clinic; no extension, no database clock, no exclusion constraint."""

from __future__ import annotations

from okienko_server.storage.tables.appointment import (
    AppointmentRow,
    CellRow,
    ChallengeRow,
    ConsentRow,
    DayOccupancyRow,
    IdempotencyRow,
    SmsMessageRow,
)
from okienko_server.storage.tables.base import DAY_WORDS, WORD_BITS, Base, Instant, OfClinic, OfClinicById
from okienko_server.storage.tables.clinic import (
    AbsenceRow,
    ClinicRow,
    CompetenceRow,
    ContractTermRow,
    LocationRow,
    NextStartRow,
    OpeningHoursRow,
    PortalRow,
    PractitionerRow,
    PractitionerServiceRow,
    ServiceRow,
    StartBoundRow,
    WorkingHoursRow,
)
from okienko_server.storage.tables.money import LedgerRow, SmsDayRow, SmsMonthRow, SmsTariffRow
from okienko_server.storage.tables.operator import OperatorActRow, OperatorLinkRow, OperatorRow, OperatorSessionRow
from okienko_server.storage.tables.record import (
    DocumentDraftRow,
    DocumentVersionRow,
    EncounterRow,
    EpisodeRow,
    PatientRow,
)
from okienko_server.storage.tables.staff import (
    AuditHeadRow,
    AuditRow,
    CalendarFeedRow,
    OneTimeLinkRow,
    RateCounterRow,
    StaffRow,
    StaffSessionRow,
)

__all__ = [
    "DAY_WORDS",
    "WORD_BITS",
    "AbsenceRow",
    "AppointmentRow",
    "AuditHeadRow",
    "AuditRow",
    "Base",
    "CalendarFeedRow",
    "CellRow",
    "ChallengeRow",
    "ClinicRow",
    "CompetenceRow",
    "ConsentRow",
    "ContractTermRow",
    "DayOccupancyRow",
    "DocumentDraftRow",
    "DocumentVersionRow",
    "EncounterRow",
    "EpisodeRow",
    "IdempotencyRow",
    "Instant",
    "LedgerRow",
    "LocationRow",
    "NextStartRow",
    "OfClinic",
    "OfClinicById",
    "OneTimeLinkRow",
    "OpeningHoursRow",
    "OperatorActRow",
    "OperatorLinkRow",
    "OperatorRow",
    "OperatorSessionRow",
    "PatientRow",
    "PortalRow",
    "PractitionerRow",
    "PractitionerServiceRow",
    "RateCounterRow",
    "ServiceRow",
    "SmsDayRow",
    "SmsMessageRow",
    "SmsMonthRow",
    "SmsTariffRow",
    "StaffRow",
    "StaffSessionRow",
    "StartBoundRow",
    "WorkingHoursRow",
]
