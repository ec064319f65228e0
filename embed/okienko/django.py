"""Template tags for Django. In TEMPLATES: `"OPTIONS": {"libraries": {"okienko": "okienko.django"}}`; then `{% load okienko %}`."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from okienko.exceptions import OptionRefused
from okienko.snippet import LABEL, Embed

register = template.Library()


def embed() -> Embed:
    """Return the site's snippets, from OKIENKO_URL, OKIENKO_TOKEN, OKIENKO_SLUG and OKIENKO_NAME; raises OptionRefused."""
    found = {name: getattr(settings, f"OKIENKO_{name}", "") for name in ("URL", "TOKEN", "SLUG", "NAME")}
    for name in ("URL", "TOKEN"):
        if not found[name]:
            raise OptionRefused(f"OKIENKO_{name}", "must be in the settings")
    return Embed(found["URL"], found["TOKEN"], found["SLUG"], found["NAME"])


@register.simple_tag
def okienko_element(**options: Any) -> SafeString:
    """`{% okienko_element mode="popup" %}`: the loader and the element."""
    return mark_safe(str(embed().element(**options)))  # noqa: S308 - escaped by the generator


@register.simple_tag
def okienko_iframe(**options: Any) -> SafeString:
    """`{% okienko_iframe %}`: the plain frame."""
    return mark_safe(str(embed().iframe(**options)))  # noqa: S308 - escaped by the generator


@register.simple_tag
def okienko_link(label: str = LABEL, **options: Any) -> SafeString:
    """`{% okienko_link "Umów wizytę" %}`: the plain link."""
    return mark_safe(str(embed().link(label, **options)))  # noqa: S308 - escaped by the generator
