"""The few columns of a clinic that say how its messages are paid and whom they reach."""

from __future__ import annotations

from sqlalchemy import update

from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import ClinicRow


class SmsSettingsStore(ClinicStore):
    """Settings of the scope's clinic."""

    def set(
        self,
        notifications: bool | None,
        countries: tuple[str, ...] | None,
        day_budget: int | None,
        reminder_minutes: int | None,
    ) -> bool:
        """Write what is not None and raise the revision; False when there was nothing to write."""
        asked: dict[str, object] = {
            "sms_notifications": notifications,
            "sms_countries": None if countries is None else " ".join(countries),
            "sms_day_budget": day_budget,
            "reminder_minutes": reminder_minutes,
        }
        changes = {name: value for name, value in asked.items() if value is not None}
        if changes:
            statement = update(ClinicRow).where(ClinicRow.clinic_id == self.clinic_id)
            self.connection.execute(statement.values(revision=ClinicRow.revision + 1, **changes))
        return bool(changes)
