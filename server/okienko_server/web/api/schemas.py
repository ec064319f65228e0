"""Shapes of the API, in and out. They check shape only; rules live in the domain."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, MAX_AGE_MONTHS, SENIOR, AgeRange, ProblemCategory, age_in_months
from okienko_server.domain.proof import MAX_PROOF
from okienko_server.operations.find_slots import MAX_DAYS, Question

_ID = validate.Length(max=64)
_CATEGORIES = validate.OneOf([category.value for category in ProblemCategory])
_KINDS = validate.OneOf([kind.value for kind in ServiceKind])


class Line(fields.String):
    """Text without NUL, which PostgreSQL cannot keep."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text or any(0xD800 <= ord(ch) <= 0xDFFF for ch in text):
            raise ValidationError("bad_request")
        return text


class SessionIn(Schema):
    token = Line(
        required=True, validate=validate.Length(max=2048), metadata={"description": "EmbedToken or PortalToken."}
    )


class ClinicOut(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    phone = fields.String(required=True)


class SessionOut(Schema):
    session = fields.String(
        required=True, metadata={"description": "WidgetSession for the Authorization header, 60 minutes."}
    )
    expires_at = fields.AwareDateTime(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["portal", "clinic"]))
    clinic = fields.Nested(ClinicOut, required=True, allow_none=True)


class CategoryOut(Schema):
    code = fields.String(required=True, validate=_CATEGORIES)
    label = fields.String(required=True)


class CategoriesOut(Schema):
    categories = fields.List(fields.Nested(CategoryOut), required=True)


class QuestionIn(Schema):
    """For whom and with whom; POSTed, so that the problem category never stands in a URL or an access log."""

    category = Line(required=True, validate=_CATEGORIES)
    kind = Line(load_default="consultation", validate=_KINDS)
    age_months = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        metadata={"description": "Age in whole months; or give age_group."},
    )
    age_group = Line(load_default=None, allow_none=True, validate=validate.OneOf(["adult", "senior"]))
    service_id = Line(load_default="", validate=_ID)
    practitioner_id = Line(load_default="", validate=_ID)
    location_id = Line(load_default="", validate=_ID)

    @post_load
    def question(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        names = ("category", "kind", "age_months", "age_group", "service_id", "practitioner_id", "location_id")
        category, kind, months, group, service, practitioner, location = (values.pop(name) for name in names)
        values["question"] = Question(
            ProblemCategory(category), _age(months, group), ServiceKind(kind), service, practitioner, location
        )
        return values


def _age(months: int | None, group: str | None) -> AgeRange:
    if (months is None) == (group is None):
        raise FieldRefused("age_required" if months is None else "bad_request", field="age_months")
    if months is None:
        return ADULT if group == "adult" else SENIOR
    if not 0 <= months <= MAX_AGE_MONTHS:
        raise FieldRefused("age_invalid", field="age_months")
    return age_in_months(months)


class ClinicsIn(QuestionIn):
    city = Line(load_default="", validate=validate.Length(max=80))


class LocationOut(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    street = fields.String(required=True)
    postcode = fields.String(required=True)
    city = fields.String(required=True)


class PractitionerOut(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)


class ServiceOut(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=_KINDS)
    minutes = fields.Integer(required=True)
    price = fields.Integer(required=True, metadata={"description": "Grosze."})


class ClinicFoundOut(ClinicOut):
    locations = fields.List(fields.Nested(LocationOut), required=True)
    practitioners = fields.List(fields.Nested(PractitionerOut), required=True)
    distance_km = fields.Float(
        required=True, allow_none=True, metadata={"description": "From the middle of the city asked for."}
    )
    price_from = fields.Integer(required=True, allow_none=True, metadata={"description": "Grosze."})
    next_starts = fields.List(fields.AwareDateTime(), required=True)


class CityOut(Schema):
    name = fields.String(required=True)
    clinics = fields.Integer(required=True)


class ClinicsOut(Schema):
    clinics = fields.List(fields.Nested(ClinicFoundOut), required=True)
    cities = fields.List(fields.Nested(CityOut), required=True)


class SlotsIn(QuestionIn):
    clinic_id = Line(load_default="", validate=_ID, metadata={"description": "Needed by an unpinned session only."})
    first = fields.Date(
        data_key="from", load_default=None, allow_none=True, metadata={"description": "Local day; today when left out."}
    )
    days = fields.Integer(load_default=7, strict=True, validate=validate.Range(1, MAX_DAYS))


class DayOut(Schema):
    date = fields.Date(required=True)
    starts = fields.List(
        fields.AwareDateTime(),
        required=True,
        metadata={"description": "Local times with offset: the doubled hour stays distinct."},
    )


class SlotsOut(Schema):
    as_of = fields.AwareDateTime(required=True)
    clinic_id = fields.String(required=True)
    service = fields.Nested(ServiceOut, required=True, allow_none=True)
    services = fields.List(fields.Nested(ServiceOut), required=True)
    practitioners = fields.List(
        fields.Nested(PractitionerOut), required=True, metadata={"description": "Everybody qualified."}
    )
    days = fields.List(fields.Nested(DayOut), required=True)


class HoldIn(QuestionIn):
    clinic_id = Line(load_default="", validate=_ID)
    start = fields.AwareDateTime(required=True)


class CodeStateOut(Schema):
    tries_left = fields.Integer(required=True)
    expires_at = fields.AwareDateTime(required=True)
    resend_in = fields.Integer(required=True, metadata={"description": "Seconds until a new code may be asked for."})


class AppointmentOut(Schema):
    id = fields.String(required=True)
    status = fields.String(required=True)
    clinic_id = fields.String(required=True)
    start = fields.AwareDateTime(required=True)
    end = fields.AwareDateTime(required=True)
    held_until = fields.AwareDateTime(required=True, allow_none=True)
    practitioner = fields.Nested(PractitionerOut, required=True)
    location = fields.Nested(LocationOut, required=True)
    service = fields.Nested(ServiceOut, required=True, metadata={"description": "As agreed when the time was held."})
    price_agreed = fields.Boolean(
        required=True, metadata={"description": "False: no price was kept then, and this is the service's present one."}
    )
    code = fields.Nested(CodeStateOut, required=True, allow_none=True)


class DetailsIn(Schema):
    first_name = Line(required=True, validate=validate.Length(max=200))
    last_name = Line(required=True, validate=validate.Length(max=200))
    booker_first_name = Line(load_default="", validate=validate.Length(max=200))
    booker_last_name = Line(load_default="", validate=validate.Length(max=200))
    phone = Line(required=True, validate=validate.Length(max=200))
    comment = Line(load_default="", validate=validate.Length(max=5000))
    consent = fields.Boolean(required=True, truthy={True}, falsy={False})
    proof = Line(load_default="", validate=validate.Length(max=MAX_PROOF))


class CodeIn(Schema):
    code = Line(required=True, validate=validate.Length(max=40))


class ProblemOut(Schema):
    """RFC 9457 problem details; `code` is stable."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String()
    errors = fields.Dict(keys=fields.String(), values=fields.String())
    alternatives = fields.List(fields.AwareDateTime())
    tries_left = fields.Integer()
    challenge = fields.String()
    bits = fields.Integer()
