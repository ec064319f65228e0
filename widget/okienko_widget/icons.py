"""Our own line icons: 24 units square, 1.5 stroke, round ends, the colour of the text around them."""

from __future__ import annotations

from markupsafe import Markup

_SHAPES = {
    "spine": (
        '<rect x="6.5" y="2.8" width="8" height="4" rx="1.6"/><rect x="8" y="9.6" width="8" height="4" rx="1.6"/>'
        '<rect x="6.5" y="16.4" width="8" height="4" rx="1.6"/><path d="M14.5 4.8h3M16 11.6h3M14.5 18.4h3M11 '
        '6.8l.7 2.8M11.7 13.6l-.7 2.8"/>'
    ),
    "orthopaedics": (
        '<path d="M9 2.5v5c0 1.4-2.2 1.7-2.2 3.8 0 2.9 4.3 3.1 5.2.7.9 2.4 5.2 2.2 5.2-.7 0-2.1-2.2-2.4-2.2-3.8v-5"/>'
        '<path d="M9 21.5v-2c0-1.5-2.2-1.8-2.2-4.2 3.3 1.5 7.1 1.5 10.4 0 0 2.4-2.2 2.7-2.2 4.2v2"/>'
    ),
    "sports": (
        '<circle cx="15.2" cy="4.4" r="1.9"/><path d="M6.3 10.6 9 7.8l4.6.7-3 5.2 3.9 2.6-1 5.2"/>'
        '<path d="M10.6 13.7 9 17.2l-4.6.5M13.6 8.5l2 3.2 3.5.3"/>'
    ),
    "neurology": (
        '<path d="M12 5.2a2.8 2.8 0 0 0-5.4 1.2 3 3 0 0 0-2 4.7 3.2 3.2 0 0 0 .8 4.9 3 3 0 0 0 3.3 3.5 2.4 2.4 '
        '0 0 0 3.3-.4"/>'
        '<path d="M12 5.2a2.8 2.8 0 0 1 5.4 1.2 3 3 0 0 1 2 4.7 3.2 3.2 0 0 1-.8 4.9 3 3 0 0 1-3.3 3.5 2.4 2.4 '
        '0 0 1-3.3-.4z"/>'
        '<path d="M8 10.2c.2 1.4 1 2 2 2.1M16 10.2c-.2 1.4-1 2-2 2.1"/>'
    ),
    "paediatrics": (
        '<circle cx="12" cy="12.8" r="7.8"/><path d="M12.6 5c-1.9-.3-1.7-2.7.1-2.5M9.2 11.8v.4M14.8 11.8v.4"/>'
        '<path d="M9.2 15.4c1.6 1.7 4 1.7 5.6 0M4.3 11.4c-2 .3-2 3 .1 3.2M19.7 11.4c2 .3 2 3-.1 3.2"/>'
    ),
    "womens_health": (
        '<circle cx="10.4" cy="4.5" r="2"/><path d="M8.7 9.4c-1.5 2.7-1.4 5.5-.4 8.2v3.9M11.9 9.2c.6 2 4.6 2.6 '
        '4.6 5.6 0 2.2-1.8 3-4.1 3.1v3.6"/>'
        '<path d="M8.7 9.4c.7-1 2.5-1.1 3.2-.2M9.9 12.2c.3 1.5 1.3 2.3 2.8 2.5"/>'
    ),
    "cardio_pulmonary": (
        '<path d="M12 20.4C6.3 16.6 3.2 13.2 3.2 9.2A4.7 4.7 0 0 1 12 7a4.7 4.7 0 0 1 8.8 2.2c0 4-3.1 7.4-8.8 '
        '11.2z"/>'
        '<path d="M6.6 12.2h2.2l1.5-2.6 2.6 5 1.5-2.4h3"/>'
    ),
    "oncology_lymph": (
        '<path d="M7.6 21.2 14.9 9.4c1.3-2.2 1-6.7-2.9-6.7S7.8 7.2 9.1 9.4L16.4 21.2"/>'
        '<path d="M9.1 9.4c1.7 1 4.1 1 5.8 0"/>'
    ),
    "geriatrics": (
        '<circle cx="10.6" cy="4.5" r="2"/><path d="M10 8.4c-2.3 1-3 3.4-2.7 6.1l3.2 2.3v4.7M7.3 14.5 6 21.5"/>'
        '<path d="m10 8.4 2.2 3.9h3.6M15.8 21.5v-9.2c0-1.8 2.7-1.8 2.7 0"/>'
    ),
    "jaw_head": (
        '<path d="M8 21.5v-3.4c-2.5-1.5-4-3.9-4-7C4 6.5 7.4 3 12 3c4.3 0 7 2.8 7 6.5 0 1.6 1 2.5 1.7 4 .3.6 0 '
        "1-.6 1.1l-1.1.2"
        'v2.2c0 1.2-.8 2-2 2h-2.5v2.5"/><circle cx="10.3" cy="12.2" r="1.6"/><path d="M10.3 13.8c.1 2 1.3 3 3.2 3"/>'
    ),
    "check": '<path d="m5.5 12.5 4.3 4.3 8.7-9.3"/>',
    "back": '<path d="m14 6-6 6 6 6"/>',
    "on": '<path d="m10 6 6 6-6 6"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.2V12l3.2 2"/>',
    "call": (
        '<path d="M8.5 4H5.8C4.8 4 4 4.8 4.1 5.8 4.6 13.3 10.7 19.4 18.2 19.9c1 .1 1.8-.7 '
        "1.8-1.7v-2.7l-4.2-1.6-1.8 1.8"
        'c-2.3-1.1-4.1-2.9-5.2-5.2l1.8-1.8z"/>'
    ),
}

ICONS = {
    name: Markup(f'<svg class="o-i" viewBox="0 0 24 24" aria-hidden="true">{shape}</svg>')  # noqa: S704 - our own constants
    for name, shape in _SHAPES.items()
}

# A little window with one open pane: the free gap in a therapist's day.
MARK = Markup(
    '<svg class="o-i" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3h5a2.5 2.5 0 0 1 2.5 2.5v5.3H12z" '
    'class="o-pane"/>'
    '<rect x="4.5" y="3" width="15" height="15.6" rx="2.5"/><path d="M12 3v15.6M4.5 10.8h15M2.5 21.3h19"/></svg>'
)
