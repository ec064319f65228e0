"""One visitor's request being answered: which step is shown, with everything chosen and typed carried along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

from flask import Response, g

from okienko_server.domain.appointment import Status
from okienko_server.domain.cells import cell_at, instant_of, local_day
from okienko_server.domain.errors import DomainError, FieldRefused, FieldsRefused, HoldExpired, NotFound
from okienko_server.domain.offer import Offer
from okienko_server.domain.phone import masked, spoken
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.scope import Scope, Source
from okienko_server.domain.verification import rehearsal_code, resend_wait
from okienko_server.operations.find_slots import MAX_DAYS, FreeTimes, Question, find_slots, soonest_starts
from okienko_server.operations.held import Held, get_appointment
from okienko_server.operations.hold import release
from okienko_server.operations.search_clinics import search_clinics
from okienko_server.web.guards import scope
from okienko_server.web.house import public_url
from okienko_server.web.pages import present
from okienko_server.web.pages.results import clinics_view
from okienko_server.web.pages.step import Step
from okienko_server.web.references import reference_of
from okienko_widget.portal_views import AboutView, Intro
from okienko_widget.views import CodeView, DetailsView, DoneView, ProblemView, Proof, SlotChoice


class Visit(Step):
    """Answers with one step of the flow; raises DomainError for what only an error page can answer."""

    def but(self, **changes: str) -> Visit:
        """Return the visit with some choices replaced."""
        return Visit(self.choices.but(**changes))

    def held(self) -> Held:
        """Return the appointment this visit is about; raises NotFound."""
        return get_appointment(self.appointment_id, scope=self.where(), desk=self.desk)

    def give_back(self) -> None:
        """Release the held time, if there is one, and forget it."""
        if self.choices.appointment:
            with suppress(NotFound):
                release(self.appointment_id, scope=self.where(), desk=self.desk, now=self.now)
            self.choices = self.choices.but(appointment="")

    def problem(
        self,
        errors: Mapping[str, str] | None = None,
        *,
        intro: Intro | None = None,
        about: AboutView | None = None,
        notice: str = "",
    ) -> Response:
        """Step 1."""
        chosen, where = self.choices, self.clinic_scope()
        offer = self.offer() if where else None
        codes = offer.categories() if offer else list(ProblemCategory)
        if offer:
            self._kind_of_service(offer)
            self._forget_strangers(offer)
            chosen = self.choices
        view = ProblemView(
            frame=self._frame(offer, notice), categories=tuple(codes),
            category=chosen.category if chosen.category in codes else "", kind=chosen.kind,
            age_group="child" if chosen.category == "paediatrics" else chosen.age_group, age=chosen.age,
            age_unit=chosen.age_unit, errors=errors or {}, place=None if where else chosen.place,
            about=about, intro=intro,
            soonest=self._soonest(where, codes) if where else {},
        )  # fmt: skip
        return self._page(view)

    def _kind_of_service(self, offer: Offer) -> None:
        """A link or token that names a service has said whether it is a first visit."""
        named = offer.services.get(self.choices.service or scope().locks.service)
        if named:
            self.choices = self.choices.but(kind=named.kind.value)

    def _forget_strangers(self, offer: Offer) -> None:
        """Drop a service or therapist the clinic does not have (any more): an old link is no dead end."""
        known = offer.services.get(self.choices.service)
        if self.choices.service and (known is None or (known.kind != self.choices.kind and not scope().locks.service)):
            self.choices = self.choices.but(service="")
        if self.choices.practitioner and self.choices.practitioner not in offer.practitioners:
            self.choices = self.choices.but(practitioner="")
        if self.choices.location and self.choices.location not in offer.locations:
            self.choices = self.choices.but(location="")

    def _forget_stale_week(self, offer: Offer) -> None:
        """Drop a day the clinic's calendar does not show: past, or beyond its horizon."""
        clinic = offer.clinic
        today = local_day(self.now, clinic.zone)
        try:
            first = date.fromisoformat(self.choices.week or today.isoformat())
        except ValueError:
            first = date.min
        if not today <= first <= today + timedelta(days=clinic.horizon_days):
            self.choices = self.choices.but(week="")

    def _soonest(self, where: Scope, codes: Sequence[ProblemCategory]) -> dict[str, str]:
        """Return each category's first free time in words; the answer to "how soon" stands on the very first screen."""
        asked: dict[str, Question] = {}
        for code in codes:
            with suppress(FieldRefused, FieldsRefused):
                asked[code.value] = self.choices.but(category=code.value, week="").question().narrowed(where)
        found = soonest_starts(list(asked.values()), scope=where, desk=self.desk, now=self.now)
        return {
            code: present.soon(offer, cell, self.now) for code, (offer, cell) in zip(asked, found, strict=True) if cell
        }

    def clinics(self, *, intro: Intro | None = None) -> Response:
        """Step 2 on the portal: where."""
        self.choices = self.choices.but(week="", practitioner="", service="", location="", clinic="")
        try:
            # The problem's own fields first: they are asked for before the place.
            self.choices.question()
            where = self.choices.where()
            search = self.choices.search(where[0] if where else None)
        except FieldsRefused as refused:
            return self.problem(refused.errors)
        except FieldRefused as refused:
            if refused.field != "place":
                raise
            return self.problem({"place": refused.code})
        found = search_clinics(search, scope=scope(), desk=self.desk, now=self.now)
        asked, name = self.choices, where[1] if where else ""
        if "language" in found.given_up:
            # What was given up to find a time must not stand in the way of taking it.
            self.choices = self.choices.but(language="")
        view = clinics_view(self._frame(None), asked, search, name, found, self.desk.texts, self.now, public_url())
        return self._page(replace(view, intro=intro))

    def times(self, taken: Sequence[datetime] | None = None, notice: str = "") -> Response:
        """Step 2: when. `taken` are the alternatives to a time somebody else has got."""
        where = self.clinic_scope()
        if where is None:
            return self.clinics()
        try:
            free = self._free_times(where)
        except FieldsRefused as refused:
            return self.problem(refused.errors)
        question = self.choices.question()
        soonest = None if self.choices.week else present.soonest_of(free)
        if not self.choices.week and soonest is None:
            wide = find_slots(replace(question, days=MAX_DAYS), scope=where, desk=self.desk, now=self.now)
            soonest = present.soonest_of(wide)
            if soonest is not None:
                first = local_day(instant_of(soonest), wide.offer.clinic.zone)
                self.choices = self.choices.but(week=first.isoformat())
                free = find_slots(replace(question, first=first), scope=where, desk=self.desk, now=self.now)
        self._offer = free.offer
        others = self._alternatives(where, taken or ())
        view = present.times_view(
            self._frame(free.offer, notice), self.choices, free, soonest, self.desk.texts, self.now
        )
        if taken is not None:
            view = replace(view, soonest=None, taken=True, alternatives=tuple(others))
        return self._page(view)

    def _free_times(self, where: Scope) -> FreeTimes:
        """Return the free times asked for; what the clinic does not know (any more) is left out and the rest asked again."""
        asked = self.choices
        try:
            free = find_slots(asked.question(), scope=where, desk=self.desk, now=self.now)
        except (NotFound, FieldRefused):
            free = None
        offer = free.offer if free else self.offer()
        self._forget_strangers(offer)
        self._forget_stale_week(offer)
        if free is None or self.choices is not asked:
            free = find_slots(self.choices.question(), scope=where, desk=self.desk, now=self.now)
        return free

    def _alternatives(self, where: Scope, starts: Sequence[datetime]) -> list[SlotChoice]:
        if not starts:
            return []
        asked = replace(self.choices.question(), first=starts[0].date() - timedelta(days=1), days=21)
        around = find_slots(asked, scope=where, desk=self.desk, now=self.now)
        if asked.practitioner_id and not all(around.free_at(cell_at(start)) for start in starts):
            # They are somebody else's times: the page asks for anybody from here on, or they could not be taken.
            self.choices = self.choices.but(practitioner="")
            around = find_slots(replace(asked, practitioner_id=""), scope=where, desk=self.desk, now=self.now)
        today = local_day(self.now, around.offer.clinic.zone)
        return [present.slot_choice(around, cell_at(start), today) for start in starts]

    def details(
        self, held: Held, errors: Mapping[str, str] | None = None, notice: str = "", proof: Proof | None = None
    ) -> Response:
        """Step 3."""
        made = held.appointment
        if made.status is not Status.PROPOSED:
            return self.after(held)
        self._about(held)
        kept = {
            "first_name": made.patient.first_name, "last_name": made.patient.last_name, "phone": spoken(made.phone),
            "booker_first_name": made.booker.first_name, "booker_last_name": made.booker.last_name,
            "comment": made.comment,
        }  # fmt: skip
        view = DetailsView(
            frame=self._frame(held.offer, notice, made, typed=False),
            summary=present.appointment_summary(made, held.offer, self.desk.texts),
            for_child=made.age.is_child,
            values={name: value for name, value in kept.items() if value} | dict(self.choices.typed),
            errors=errors or {},
            proof=proof,
        )
        return self._page(view)

    def code(
        self, held: Held, errors: Mapping[str, str] | None = None, tries_left: int | None = None, notice: str = ""
    ) -> Response:
        """Step 4."""
        made = held.appointment
        if made.status is not Status.PROPOSED:
            return self.after(held)
        if held.challenge is None:
            return self.details(held)
        self._about(held)
        view = CodeView(
            frame=self._frame(held.offer, notice, made),
            summary=present.appointment_summary(made, held.offer, self.desk.texts),
            phone=masked(made.phone),
            resend_seconds=resend_wait(held.challenge, self.now),
            errors=errors or {},
            tries_left=tries_left,
            shown=rehearsal_code(self.desk.pepper, made.id) if scope().source is Source.REHEARSAL else "",
        )
        return self._page(view)

    def done(self, held: Held) -> Response:
        """The confirmation."""
        self._about(held)
        made, offer = held.appointment, held.offer
        view = DoneView(
            frame=self._frame(offer, typed=False),
            summary=present.appointment_summary(made, offer, self.desk.texts),
            directions_url=present.directions_url(made.terms(offer).address),
        )
        return self._page(view)

    def after(self, held: Held) -> Response:
        """Where an appointment that is no longer held belongs: done, or choosing a time again."""
        if held.appointment.status in (Status.PENDING, Status.BOOKED, Status.FULFILLED):
            return self.done(held)
        return self.but(appointment="", clinic=held.appointment.clinic_id).times(notice="hold_expired")

    def lost(self, error: DomainError) -> Response:
        """The held time is gone: the nearest others, with everything typed kept."""
        renewed = bool(getattr(g, "session_renewed", False))
        clinic = self.choices.clinic or (self.where().clinic_id if self.choices.appointment else "")
        again = self.but(appointment="", clinic=clinic)
        if isinstance(error, HoldExpired) and not renewed and not error.still_free:
            return again.times(taken=error.alternatives)
        return again.times(notice="session_renewed" if renewed else "hold_expired")

    def _about(self, held: Held) -> None:
        made = held.appointment
        self.choices = self.choices.but(appointment=reference_of(made), clinic=made.clinic_id)
