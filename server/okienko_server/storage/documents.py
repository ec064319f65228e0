"""Documents of one clinic: signed versions, which are only ever added, and everybody's own drafts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from okienko_server.domain.errors import EditConflict
from okienko_server.domain.record import Content, DocumentKind
from okienko_server.storage.store import ClinicStore, on_both
from okienko_server.storage.tables import DocumentDraftRow, DocumentVersionRow, StaffRow

_V, _D = DocumentVersionRow, DocumentDraftRow


@dataclass(frozen=True, slots=True)
class Version:
    """A signed version; `reason` says why it corrects the one before, empty for the first."""

    appointment_id: str
    number: int
    kind: DocumentKind
    content: Content
    author_id: str
    author: str
    signed_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody is writing; `based_on` is the number of the version it began from, 0 for none."""

    content: Content
    based_on: int
    revision: int
    saved_at: datetime
    author: str


class DocumentStore(ClinicStore):
    """Documents of the scope's clinic. Whose they are is asked of the patient (`PatientStore.get`)."""

    def versions(self, appointment_ids: list[str]) -> list[Version]:
        """Return every signed version of some appointments, by appointment and number."""
        author = (StaffRow.clinic_id == _V.clinic_id) & (StaffRow.id == _V.author_id)
        statement = (
            select(_V.__table__, StaffRow.name)
            .join(StaffRow, author)
            .where(_V.clinic_id == self.clinic_id, _V.appointment_id.in_(appointment_ids))
            .order_by(_V.appointment_id, _V.number)
        )
        return [_version(row) for row in self.connection.execute(statement)]

    def sign(
        self, appointment_id: str, number: int, kind: DocumentKind, content: Content, reason: str, now: datetime
    ) -> None:
        """Add a signed version of the scope's staff member; raises EditConflict when that number is signed already."""
        row = {
            "clinic_id": self.clinic_id, "appointment_id": appointment_id, "number": number, "kind": kind.value,
            "content": json.dumps(content, ensure_ascii=False), "author_id": self.scope.staff_id, "signed_at": now,
            "reason": reason,
        }  # fmt: skip
        if self.connection.execute(_SIGN[self.dialect], row).first() is None:
            raise EditConflict

    def draft(self, appointment_id: str) -> Draft | None:
        """Return the scope's staff member's own draft, None when there is none."""
        own = [draft for staff_id, draft in self._drafts(appointment_id) if staff_id == self.scope.staff_id]
        return own[0] if own else None

    def others_drafts(self, appointment_id: str) -> list[Draft]:
        """Return the drafts other people are writing of the same document."""
        return [draft for staff_id, draft in self._drafts(appointment_id) if staff_id != self.scope.staff_id]

    def _drafts(self, appointment_id: str) -> list[tuple[str, Draft]]:
        author = (StaffRow.clinic_id == _D.clinic_id) & (StaffRow.id == _D.staff_id)
        statement = (
            select(_D.__table__, StaffRow.name)
            .join(StaffRow, author)
            .where(_D.clinic_id == self.clinic_id, _D.appointment_id == appointment_id)
            .order_by(_D.staff_id)
        )
        return [
            (r.staff_id, Draft(json.loads(r.content), r.based_on, r.revision, r.saved_at, r.name))
            for r in self.connection.execute(statement)
        ]

    def drafts_of(self, appointment_ids: list[str]) -> dict[str, list[Draft]]:
        """Return everybody's drafts of some appointments: appointment id -> drafts."""
        found = {key: [draft for _, draft in self._drafts(key)] for key in appointment_ids}
        return {key: drafts for key, drafts in found.items() if drafts}

    def save_draft(self, appointment_id: str, content: Content, based_on: int, revision: int, now: datetime) -> int:
        """Keep the own draft and return its new revision.

        `revision` is the one it was read with, 0 for a new draft; raises EditConflict when another tab saved meanwhile.
        """
        values = {"content": json.dumps(content, ensure_ascii=False), "based_on": based_on, "saved_at": now}
        mine = (_D.clinic_id == self.clinic_id, _D.appointment_id == appointment_id, _D.staff_id == self.scope.staff_id)
        if revision:
            statement = update(_D).where(*mine, _D.revision == revision).values(revision=revision + 1, **values)
            if self.connection.execute(statement).rowcount != 1:
                raise EditConflict
            return revision + 1
        row = {
            "clinic_id": self.clinic_id, "appointment_id": appointment_id, "staff_id": self.scope.staff_id, "revision": 1,
            **values,
        }  # fmt: skip
        if self.connection.execute(_DRAFT[self.dialect], row).first() is None:
            raise EditConflict
        return 1

    def drop_draft(self, appointment_id: str) -> bool:
        """Forget the own draft: it was signed, or thrown away. False when there was none."""
        mine = (_D.clinic_id == self.clinic_id, _D.appointment_id == appointment_id, _D.staff_id == self.scope.staff_id)
        return self.connection.execute(delete(_D).where(*mine)).rowcount > 0


_SIGN = on_both(lambda insert: insert(_V).on_conflict_do_nothing().returning(_V.number))
_DRAFT = on_both(lambda insert: insert(_D).on_conflict_do_nothing().returning(_D.revision))


def _version(r: Row[Any]) -> Version:
    return Version(
        r.appointment_id,
        r.number,
        DocumentKind(r.kind),
        json.loads(r.content),
        r.author_id,
        r.name,
        r.signed_at,
        r.reason,
    )
