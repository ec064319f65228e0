"""One formatter of moments, spans, prices: page, SMS, calendar file and the staff's schedule all say the same time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from okienko_widget.texts import Texts


class When:
    """Words for moments (aware datetimes of any zone) as the clinic's wall clock shows them."""

    def __init__(self, texts: Texts, zone: ZoneInfo) -> None:
        self._texts = texts
        self._zone = zone
        # A page of appointments asks for the same few hundred moments again and again.
        self._clock = lru_cache(maxsize=8192)(self._read_clock)

    def time(self, at: datetime) -> str:
        """Return "17:15"; when the clock shows that hour twice, "2:30 (czas letni)" or "2:30 (czas zimowy)"."""
        return self._clock(at, at.fold)

    def _read_clock(self, at: datetime, _fold: int) -> str:
        local = at.astimezone(self._zone)
        clock = f"{local.hour}:{local.minute:02d}"
        if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
            return clock
        return self._texts("when.summer" if local.dst() else "when.winter", time=clock)

    def day(self, at: datetime | date, today: date | None = None) -> str:
        """Return "wt. 24 listopada"; with `today` (local) also "dziś, …" and "jutro, …"."""
        day = self.local_date(at)
        words = self._texts(
            "when.day", weekday=self.weekday_short(day), number=day.day, month=self._texts(f"month_of.{day.month}")
        )
        if today is None or not 0 <= (day - today).days <= 1:
            return words
        return self._texts("when.today" if day == today else "when.tomorrow", day=words)

    def dated(self, at: datetime | date) -> str:
        """Return "24 listopada 2026"."""
        day = self.local_date(at)
        return self._texts("when.date", number=day.day, month=self._texts(f"month_of.{day.month}"), year=day.year)

    def full(self, at: datetime, today: date | None = None) -> str:
        """Return "wt. 24 listopada, 17:15"."""
        return self._texts("when.full", day=self.day(at, today), time=self.time(at))

    def span(self, start: datetime, end: datetime) -> str:
        """Return "wt. 24 listopada, 17:15–18:15"; both days are named when the end falls on another day."""
        if self.local_date(start) != self.local_date(end):
            return self._texts("when.span_days", start=self.full(start), end=self.full(end))
        return self._texts("when.span", day=self.day(start), start=self.time(start), end=self.time(end))

    def sms(self, at: datetime) -> str:
        """Return the shortest unmistakable form, "wt. 24.11, 17:15"."""
        day = self.local_date(at)
        return self._texts(
            "when.sms",
            weekday=self.weekday_short(day),
            number=day.day,
            month=f"{day.month:02d}",
            time=self.time(at),
        )

    def local_date(self, at: datetime | date) -> date:
        """Return the calendar day of a moment in the clinic's zone; a date stays as it is."""
        return at.astimezone(self._zone).date() if isinstance(at, datetime) else at

    def weekday_short(self, day: date) -> str:
        """Return "wt."."""
        return self._texts(f"weekday_short.{day.isoweekday()}")

    def weekday(self, day: date) -> str:
        """Return "wtorek"."""
        return self._texts(f"weekday.{day.isoweekday()}")

    def month(self, day: date) -> str:
        """Return "listopad 2026", the heading of a month."""
        return f"{self._texts(f'month.{day.month}')} {day.year}"

    def price(self, grosze: int) -> str:
        """Return "180 zł" or "180,50 zł" for a sum in grosze."""
        zloty, rest = divmod(grosze, 100)
        shown = f"{zloty:,}".replace(",", " ") if zloty >= 10_000 else str(zloty)
        if rest:
            return self._texts("when.price_grosze", zloty=shown, grosze=rest)
        return self._texts("when.price", zloty=shown)

    def duration(self, length: int | timedelta) -> str:
        """Return "60 min" for whole minutes."""
        minutes = length if isinstance(length, int) else int(length.total_seconds()) // 60
        return self._texts("when.duration", minutes=minutes)
