"""What the pages of more than one clinic need beside the steps: the search's bar and map, a clinic's own page, heads of pages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageHead:
    """The head of a page with a public address."""

    title: str
    description: str
    canonical: str
    picture: str
    """Address of the picture a shared link shows."""
    json_ld: str
    """A schema.org description, safe inside a script element; empty: none."""
    indexed: bool = True
    """False: search engines are asked to leave it out."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list on a clinic's page: its name, and sentences beneath it."""

    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """An address on a clinic's page: how to get there, what makes coming easier, when it is open."""

    name: str
    address: str
    directions_url: str
    access: tuple[str, ...]
    hours: tuple[tuple[str, str], ...]
    """("pon.-pt.", "8:00-18:00")."""


@dataclass(frozen=True, slots=True)
class AboutView:
    """What a clinic's own page tells beneath the booking."""

    team: tuple[Row, ...]
    services: tuple[Row, ...]
    places: tuple[PlaceRow, ...]
    phone: str


@dataclass(frozen=True, slots=True)
class Crumb:
    """A link to another page of the portal."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Intro:
    """How a page about a treatment in a town begins, and where else it leads."""

    title: str
    lead: str
    crumbs: tuple[Crumb, ...]
    here: tuple[Crumb, ...]
    """Other treatments in this town."""
    near: tuple[Crumb, ...]
    """This treatment in towns near by."""
    listed: tuple[Crumb, ...] = ()
    """Clinics by name, where the patient has yet to say more before times can be shown."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One value a search can be narrowed by."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class SearchBar:
    """Where, when and how: the fields a patient may change above the list."""

    place: str
    """The town as typed."""
    near: str
    """The patient's own place, as the browser told it."""
    whos: tuple[Wish, ...]
    """For whom; empty where the problem itself says it."""
    whens: tuple[Wish, ...]
    access: tuple[Wish, ...]
    languages: tuple[Wish, ...]
    kms: tuple[Wish, ...]
    orders: tuple[Wish, ...]
    """Radii and orders are empty while no place is known."""

    @property
    def narrowed(self) -> bool:
        """True when something of what is folded away was chosen."""
        firsts = (*self.languages[1:], *self.kms[1:], *self.orders[1:])
        return any(wish.chosen for wish in (*self.access, *firsts))


@dataclass(frozen=True, slots=True)
class MapTown:
    """A town on the map, for finding one's way."""

    x: int
    y: int
    name: str
    baseline: int
    """Where its name is written, out of the way of pins."""


@dataclass(frozen=True, slots=True)
class MapPin:
    """An address on the map under its number in the list."""

    number: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class MapView:
    """A small map drawn without any server: pixels from the left upper corner."""

    size: int
    outline: str
    """Points of the country's outline in degrees, "x,y x,y …"."""
    drawn: str
    """The six numbers of SVG's matrix that draws degrees as pixels."""
    towns: tuple[MapTown, ...]
    pins: tuple[MapPin, ...]
    here: tuple[int, int] | None
    """The middle of the search."""
    ring: int
    """Pixels of the radius that was looked at; 0: none to draw."""
