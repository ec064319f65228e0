"""Two hundred open screens, each asking and taking in as staff.js does: how soon after the right code each shows the reservation."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from okienko_server.storage.session import Database
from tests.bench import client
from tests.bench.serving import chain, free_starts

SCREENS, WAIT, BOOKINGS = 200, 0.6, 5
GOAL = 1.0
Ask = Callable[[str, bool], bytes]
"""(path, whether it takes in a change) -> the request."""


@dataclass
class Room:
    """All screens: how many are open, and when each first showed so many reservations that wait."""

    port: int
    ask: Ask
    page: str
    open: int = 0
    stop: bool = False
    shown: dict[int, list[float]] = field(default_factory=dict)

    async def get(self, path: str, *, redraw: bool = False) -> bytes:
        """Return the body of one answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(self.ask(path, redraw))
        await writer.drain()
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split()[1] == b"200", head[:60]
        return body

    async def screen(self) -> None:
        """One open screen."""
        body = await self.get(self.page)
        self.open += 1
        await asyncio.sleep(random.random() * WAIT)
        while not self.stop:
            poll, seen, count = _marks(body)
            if json.loads(await self.get(poll))["fingerprint"] != seen:
                body = await self.get(self.page, redraw=True)
                if (now := _marks(body)[2]) > count:
                    self.shown.setdefault(now, []).append(time.perf_counter())
            await asyncio.sleep(WAIT)


def _marks(body: bytes) -> tuple[str, str, int]:
    poll, seen = (re.search(rb'data-%s="([^"]+)"' % name, body) for name in (b"poll", b"seen"))
    assert poll and seen
    return poll[1].decode().replace("&amp;", "&"), seen[1].decode(), body.count(b'data-waiting="')


async def watch(room: Room, database: Database) -> list[float]:
    """Return the delays in seconds of every screen after every booking."""
    screens = [asyncio.create_task(room.screen()) for _ in range(SCREENS)]
    while room.open < SCREENS:
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    delays: list[float] = []
    for person, start in free_starts(database, BOOKINGS, 300):
        before = set(room.shown)
        booked = await asyncio.to_thread(client.chains, room.port, [chain(person, start)], 1)
        assert set(booked.statuses) <= {200, 201}, booked.statuses
        done = time.perf_counter()
        await asyncio.sleep(6)
        delays += [at - done for count, moments in room.shown.items() if count not in before for at in moments]
    room.stop = True
    await asyncio.gather(*screens)
    return sorted(delays)


def run(port: int, ask: Ask, page: str, database: Database) -> None:
    """Print median, 95th percentile and worst, and how many came later than the goal."""
    delays = asyncio.run(watch(Room(port, ask, page), database))
    p50, p95, worst = (delays[int(len(delays) * share) - 1] * 1000 for share in (0.5, 0.95, 1))
    late = sum(delay > GOAL for delay in delays)
    print(
        f"{SCREENS} screens taking in {BOOKINGS} bookings ({len(delays)} times): median {p50:.0f} ms, p95 {p95:.0f} ms, worst "
        f"{worst:.0f} ms, {late} later than {GOAL:.0f} s"
    )
