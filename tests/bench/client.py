"""A small load generator: raw sockets, one connection a request (sync workers close it anyway), exact latencies."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Measured:
    """Requests a second, the latencies in seconds, and how many answers there were of each status."""

    rate: float
    latencies: list[float]
    statuses: dict[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def post_json(path: str, body: object, session: str, **headers: str) -> bytes:
    """Return the bytes of a POST with a JSON body and a bearer session."""
    content = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: bench", "Connection: close", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(content)}", f"Authorization: Bearer {session}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


def put_json(path: str, body: object, session: str) -> bytes:
    """Return the bytes of a PUT with a JSON body and a bearer session."""
    return post_json(path, body, session).replace(b"POST", b"PUT", 1)


def post_form(path: str, content: str, **headers: str) -> bytes:
    """Return the bytes of a plain form."""
    body = content.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"{head}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


GET_ROOT = b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"


def _apart(work: Coroutine[Any, Any, T]) -> T:
    """Run the work in a thread of its own: a browser's driver may keep a loop in the caller's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Send one request on a connection of its own and return (status, body)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read(-1)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head[9:12]), body


def ask_once(port: int, request: bytes) -> tuple[int, bytes]:
    """The same for whoever has no loop."""
    return _apart(ask(port, request))


def load(port: int, requests: Iterable[bytes], workers: int) -> Measured:
    """Send the requests from `workers` clients at once, each sending its next one when the last is answered."""
    return _apart(_load(port, iter(requests), workers))


async def _load(port: int, requests: Iterable[bytes], workers: int) -> Measured:
    measured = Measured(0, [])
    waiting = iter(requests)

    async def client() -> None:
        for request in waiting:
            began = time.perf_counter()
            status, _ = await ask(port, request)
            measured.latencies.append(time.perf_counter() - began)
            measured.statuses[status] = measured.statuses.get(status, 0) + 1

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(workers)))
    measured.rate = len(measured.latencies) / (time.perf_counter() - began)
    return measured


def chains(port: int, made: Iterable[Callable[[], list[Callable[[dict[str, str]], bytes]]]], workers: int) -> Measured:
    """Run chains of requests, each step made from what the step before answered; latencies are those of single requests."""
    return _apart(_chains(port, iter(made), workers))


async def _chains(
    port: int, made: Iterable[Callable[[], list[Callable[[dict[str, str]], bytes]]]], workers: int
) -> Measured:
    measured, waiting = Measured(0, []), iter(made)

    async def client() -> None:
        for make in waiting:
            known: dict[str, str] = {}
            for step in make():
                began = time.perf_counter()
                status, body = await ask(port, step(known))
                measured.latencies.append(time.perf_counter() - began)
                measured.statuses[status] = measured.statuses.get(status, 0) + 1
                if status >= 300:
                    break
                known = {"id": json.loads(body)["id"]}

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(workers)))
    measured.rate = len(measured.latencies) / (time.perf_counter() - began)
    return measured


def at_once(port: int, requests: list[bytes]) -> tuple[float, dict[int, int]]:
    """Open all connections first, send everything together, and return (seconds until the last answer, statuses)."""

    async def burst() -> tuple[float, dict[int, int]]:
        lines = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in requests))
        began = time.perf_counter()
        for (_, writer), request in zip(lines, requests, strict=True):
            writer.write(request)
        answers = await asyncio.gather(*(_last_words(reader, writer) for reader, writer in lines))
        took = time.perf_counter() - began
        statuses: dict[int, int] = {}
        for answer in answers:
            statuses[int(answer[9:12])] = statuses.get(int(answer[9:12]), 0) + 1
        return took, statuses

    return _apart(burst())


async def _last_words(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Return the whole answer and hang up at once: a sync worker waits for its client to close."""
    answer = await reader.read(-1)
    writer.close()
    return answer
