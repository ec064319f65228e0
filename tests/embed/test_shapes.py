"""What was signed with the right key and still is no token: only the one canonical form is read."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from okienko.exceptions import TokenInvalid
from okienko.tokens import EmbedToken, PortalToken, WidgetSession
from tests.embed.samples import KEYS, KINDS, NOW, Kind, forged, forged_raw

EMBED: dict[str, Any] = {"c": "k7m2p9x4q1z8", "g": 3}
PORTAL: dict[str, Any] = {"g": 3, "o": "p3r8t1v6w2y7"}
SESSION: dict[str, Any] = {"c": "k7m2p9x4q1z8", "d": "iframe", "g": 3, "i": "visitor-1", "t": int(NOW.timestamp())}
RIGHT = dict(zip(("embed", "portal", "session"), (EMBED, PORTAL, SESSION), strict=True))
by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def compact(values: object) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def refused_as(kind: Kind, text: str) -> str:
    with pytest.raises(TokenInvalid) as refused:
        kind.read(text, KEYS)
    assert type(refused.value) is TokenInvalid
    return refused.value.reason


@by_kind
def test_control_the_right_values_signed_by_hand_are_read(kind: Kind) -> None:
    kind.read(forged(compact(RIGHT[kind.name]), kind.salt), KEYS)


@by_kind
@pytest.mark.parametrize(
    "payload",
    ["", "{", "null", "true", "1", "NaN", '"c"', "[]", "{}", '["c","g"]', '[{"c":"k7m2p9x4q1z8","g":3}]', "[" * 340, b"\xff\xfe{"],
)  # fmt: skip
def test_json_of_another_shape(kind: Kind, payload: str | bytes) -> None:
    assert refused_as(kind, forged(payload, kind.salt)) == "shape"


@by_kind
def test_the_same_values_spelled_otherwise(kind: Kind) -> None:
    values = RIGHT[kind.name]
    plain = compact(values)
    turned = json.dumps(dict(reversed(list(values.items()))), separators=(",", ":"))
    spelled: list[str | bytes] = [
        turned, json.dumps(values, sort_keys=True), f" {plain}", f"{plain}\n", plain.replace('"g":3', '"g":3,"g":3'),
        plain.replace('"g":3', '"g":2,"g":3'), plain.replace('"g":3', '"\\u0067":3'), plain.replace('"g":3', '"g":3.0'),
        plain.replace('"g":3', '"g":3e0'), plain.encode("utf-16"), plain.encode("utf-32"), "\ufeff" + plain,
    ]  # fmt: skip
    for other in spelled:
        assert other != plain
        assert refused_as(kind, forged(other, kind.salt)) == "shape"


@by_kind
def test_a_payload_in_lenient_base64(kind: Kind) -> None:
    payload = forged(compact(RIGHT[kind.name]), kind.salt).partition(".")[0]
    for lenient in (
        f"{payload}=",
        f"{payload}==",
        f"{payload}\n",
        f"\n{payload}",
        f"{payload[:8]}!{payload[8:]}",
        f".{payload}",
    ):
        assert refused_as(kind, forged_raw(lenient.encode(), kind.salt)) == "shape"
    assert refused_as(kind, forged_raw(b"", kind.salt)) == "shape"


@by_kind
def test_a_field_missing_or_too_many(kind: Kind) -> None:
    values = RIGHT[kind.name]
    for name in values:
        if (kind.name, name) != ("session", "c"):  # without a clinic it is a portal's session
            without = {other: value for other, value in values.items() if other != name}
            assert refused_as(kind, forged(compact(without), kind.salt)) == "shape"
    for extra in (
        {"x": 1},
        {"clinic": "other"},
        {"kind": "portal"},
        {"": ""},
        {"v": 1},
        {"generation": 3},
        {"x": None},
    ):
        assert refused_as(kind, forged(compact(values | extra), kind.salt)) == "shape"


@by_kind
def test_a_field_of_another_type(kind: Kind) -> None:
    texts = [name for name in ("c", "o", "i", "d", "s", "p", "k") if name in RIGHT[kind.name]]
    locks = [] if kind.name == "portal" else ["s", "p", "k"]
    odd: list[object] = [
        None,
        True,
        False,
        0,
        1,
        1.5,
        "",
        [],
        ["a"],
        {},
        {"a": "b"},
        "a b",
        " a",
        "a\n",
        "a\x00",
        "\x7f",
        "ż",
        "🙂",
        "\ud800",
    ]
    for name in texts + locks:
        for wrong in odd:
            changed = compact(RIGHT[kind.name] | {name: wrong})
            assert refused_as(kind, forged(changed, kind.salt)) == "shape", changed
    numbers: list[object] = [None, True, False, -1, 1.0, 1e300, float("nan"), float("inf"), "3", "", [3], {}]
    for wrong in numbers:
        changed = compact(RIGHT[kind.name] | {"g": wrong})
        assert refused_as(kind, forged(changed, kind.salt)) == "shape", changed


@pytest.mark.parametrize(
    "wrong", [None, True, False, -1, 1.0, NOW.timestamp(), "1", "", [1], {}, 10**12, 10**18, 10**30, -(10**30)]
)
def test_a_session_issued_at_no_time(wrong: object) -> None:
    assert refused_as(KINDS[2], forged(compact(SESSION | {"t": wrong}), WidgetSession.SALT)) == "shape"


@pytest.mark.parametrize("wrong", ["staff", "Portal", "IFRAME", "window"])
def test_a_session_from_no_known_door(wrong: str) -> None:
    assert refused_as(KINDS[2], forged(compact(SESSION | {"d": wrong}), WidgetSession.SALT)) == "shape"


@pytest.mark.parametrize("clinic", ["", "a b", "ż", "a\n", None, 7])
def test_what_no_reader_accepts_cannot_be_made(clinic: Any) -> None:
    with pytest.raises(ValueError, match="clinic must be printable"):
        EmbedToken(clinic, 1)
    with pytest.raises(ValueError, match="portal must be printable"):
        PortalToken(clinic, 1)
    if clinic is not None:
        with pytest.raises(ValueError, match="service must be printable"):
            EmbedToken("c", 1, service=clinic)


@pytest.mark.parametrize("generation", [-1, True, 1.0, "1", None])
def test_a_generation_is_a_whole_number(generation: Any) -> None:
    for attempt in (lambda: EmbedToken("c", generation), lambda: PortalToken("p", generation)):
        with pytest.raises(ValueError, match="generation must be a whole number"):
            attempt()


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"kind": "portal"}, "names it"),
        ({"clinic": None}, "names it"),
        ({"kind": "staff"}, "names it"),
        ({"source": "staff"}, "names it"),
        ({"origin": "https://a b"}, "origin must"),
        ({"origin": None}, "origin must"),
        ({"id": ""}, "id must"),
        ({"issued_at": datetime(2026, 11, 23)}, "aware"),  # noqa: DTZ001 — the naive one is refused
        ({"issued_at": datetime.fromisoformat("1969-12-31T23:59:59+00:00")}, "1970"),
    ],
)
def test_a_session_that_contradicts_itself(changed: dict[str, Any], complaint: str) -> None:
    right: dict[str, Any] = {
        "id": "v",
        "kind": "clinic",
        "clinic": "c",
        "generation": 1,
        "source": "iframe",
        "issued_at": NOW,
    }
    WidgetSession(**right)
    with pytest.raises(ValueError, match=complaint):
        WidgetSession(**(right | changed))
