"""The columns of a clinic that its own people change: each write raises the revision, and none overwrites a newer one unseen."""

from __future__ import annotations

from sqlalchemy import update

from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import ClinicRow


class ClinicSettingsStore(ClinicStore):
    """The record of the scope's clinic."""

    def change(self, revision: int | None = None, **columns: object) -> bool:
        """Write columns; False, and nothing written, when the revision is another by now (None: whatever it is)."""
        statement = update(ClinicRow).where(ClinicRow.clinic_id == self.clinic_id)
        if revision is not None:
            statement = statement.where(ClinicRow.revision == revision)
        changed = statement.values(**columns, revision=ClinicRow.revision + 1)
        return self.connection.execute(changed).rowcount == 1
