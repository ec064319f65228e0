"""A page as a browser without JavaScript reads it: its words, its forms, and what pressing a button would post."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from okienko_widget import load

Attributes = dict[str, str]


@dataclass
class Button:
    """One way of sending a form."""

    name: str
    value: str
    action: str
    label: str = ""


@dataclass
class Form:
    """A form with the values a browser would post; `typed` names those a person can change."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    typed: set[str] = field(default_factory=set)

    def value(self, name: str) -> str | None:
        return next((value for known, value in self.fields if known == name), None)

    def hidden(self) -> dict[str, str]:
        """Return the fields nobody types into."""
        return {name: value for name, value in self.fields if name not in self.typed}

    def filled(self, button: Button | None = None, **changes: str) -> MultiDict[str, str]:
        """Return what is posted after the changes, with the pressed button's own value."""
        if button is not None and button.name:
            changes = {button.name: button.value} | changes
        kept = [(name, value) for name, value in self.fields if name not in changes]
        return MultiDict(kept + list(changes.items()))


class Page(HTMLParser):
    """What came back, taken apart."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.response, self.status = response, response.status_code
        self.html = response.get_data(as_text=True)
        self.forms: list[Form] = []
        self.title = ""
        self.notices: list[str] = []
        self._words: list[str] = []
        self._open: list[str] = []
        self._area: str | None = None
        self._in_form = self._in_button = False
        self.feed(self.html)

    @property
    def text(self) -> str:
        """Everything a person can read, with single blanks."""
        return " ".join(" ".join(self._words).split())

    def says(self, key: str, **parts: str) -> bool:
        """Return whether the catalogue's sentence stands on the page."""
        return " ".join(load()(key, **parts).split()) in self.text

    def form(self, action: str, button: str = "") -> Form:
        """Return the first form sent to that address, with a button of that value when one is named."""
        for one in self.forms:
            if one.action == action and (not button or button in [b.value for b in one.buttons]):
                return one
        raise AssertionError(f"no form to {action} with {button!r} in: {self.text[:600]}")

    def slots(self) -> list[str]:
        """Return the values of all slot buttons, in the order of the page."""
        return [b.value for one in self.forms for b in one.buttons if b.name == "slot"]

    def button(self, name: str, value: str) -> Button:
        return next(b for one in self.forms for b in one.buttons if (b.name, b.value) == (name, value))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("style", "script", "title"):
            self._open.append(tag)
        if "aria-label" in given:
            self._words.append(given["aria-label"])
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
            self._in_form = True
        elif self._in_form:
            self._control(tag, given)

    def _control(self, tag: str, given: Attributes) -> None:
        form, name, kind = self.forms[-1], given.get("name", ""), given.get("type", "text")
        if tag == "button" and "disabled" not in given:
            action = given.get("formaction", form.action)
            form.buttons.append(Button(name, given.get("value", ""), action))
            self._in_button = True
        elif tag == "textarea":
            form.fields.append((name, ""))
            form.typed.add(name)
            self._area = ""
        elif tag == "input" and name:
            if kind != "hidden":
                form.typed.add(name)
            if kind not in ("radio", "checkbox") or "checked" in given:
                form.fields.append((name, given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False
        elif tag == "button":
            self._in_button = False
        elif tag == "textarea" and self._area is not None:
            self.forms[-1].fields[-1] = (self.forms[-1].fields[-1][0], self._area)
            self._area = None
        elif self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            if self._open[-1] == "title":
                self.title += data
            return
        if self._area is not None:
            self._area += data
        if self._in_button:
            self.forms[-1].buttons[-1].label += data
        self._words.append(data)


def values_of(form: Form, *names: str) -> dict[str, Any]:
    """Return some of a form's values, to compare with what was typed."""
    return {name: form.value(name) for name in names}
