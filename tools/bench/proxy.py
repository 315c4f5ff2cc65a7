"""A proxy in front of the emulator that makes every call take longer, and writes down each."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

REST = [  # services whose operations are told by method and path
    (r"POST /2015-03-31/functions/?$", "lambda:CreateFunction"),
    (r"POST /2015-03-31/functions/[^/]+/invocations$", "lambda:Invoke"),
    (r"PUT /2015-03-31/functions/[^/]+/code$", "lambda:UpdateFunctionCode"),
    (r"PUT /2015-03-31/functions/[^/]+/configuration$", "lambda:UpdateFunctionConfiguration"),
    (r"GET /2015-03-31/functions/[^/]+/configuration$", "lambda:GetFunctionConfiguration"),
    (r"GET /2015-03-31/functions/[^/]+$", "lambda:GetFunction"),
    (r"DELETE /2015-03-31/functions/[^/]+$", "lambda:DeleteFunction"),
    (r"GET /2015-03-31/functions/[^/]+/policy$", "lambda:GetPolicy"),
    (r"GET /2019-09-25/functions/[^/]+/event-invoke-config$", "lambda:GetFunctionEventInvokeConfig"),
    (r"(PUT|POST) /2019-09-25/functions/[^/]+/event-invoke-config$", "lambda:PutFunctionEventInvokeConfig"),
    (r"GET /2017-03-31/tags/", "lambda:ListTags"),
    (r"POST /2017-03-31/tags/", "lambda:TagResource"),
    (r"DELETE /2017-03-31/tags/", "lambda:UntagResource"),
    (r"POST /schedule-groups/", "scheduler:CreateScheduleGroup"),
    (r"GET /schedule-groups/", "scheduler:GetScheduleGroup"),
    (r"DELETE /schedule-groups/", "scheduler:DeleteScheduleGroup"),
    (r"POST /schedules/", "scheduler:CreateSchedule"),
    (r"GET /schedules/", "scheduler:GetSchedule"),
    (r"PUT /schedules/", "scheduler:UpdateSchedule"),
    (r"DELETE /schedules/", "scheduler:DeleteSchedule"),
    (r"GET /schedules$", "scheduler:ListSchedules"),
    (r"GET /tags/", "scheduler:ListTagsForResource"),
    (r"POST /tags/", "scheduler:TagResource"),
    (r"DELETE /tags/", "scheduler:UntagResource"),
]


@dataclass(frozen=True)
class Call:
    """One call as the proxy saw it: from the request's last byte to the answer's."""

    operation: str
    begin: float
    end: float


@dataclass(frozen=True)
class Traffic:
    """The calls of one run."""

    calls: list[Call]

    @property
    def by_operation(self) -> dict[str, int]:
        return dict(sorted(Counter(call.operation for call in self.calls).items()))

    @property
    def depth(self) -> int:
        """The longest chain in which each call began after the one before it had ended."""
        chains: list[tuple[float, int]] = []  # end, length of the longest chain that ends with that call
        for call in sorted(self.calls, key=lambda call: call.begin):
            chains.append((call.end, 1 + max((length for end, length in chains if end <= call.begin), default=0)))
        return max((length for _, length in chains), default=0)

    @property
    def settling(self) -> Traffic:
        """The calls that only waited for a new function to become active: all polls of it but the first."""
        made = next((call for call in self.calls if call.operation == "lambda:CreateFunction"), None)
        used = next((call for call in self.calls if call.operation == "scheduler:CreateSchedule"), None)
        if made is None or used is None:
            return Traffic([])
        polls = [c for c in self.calls if c.operation == "lambda:GetFunction" and made.end <= c.begin < used.begin]
        return Traffic(sorted(polls, key=lambda call: call.begin)[1:])

    @property
    def chain(self) -> int:
        """The depth, with no more than one poll of a new function."""
        waits = self.settling.calls
        return Traffic([call for call in self.calls if call not in waits]).depth

    @property
    def waited(self) -> float:
        """Seconds that went by until the last poll of a new function began: the emulator's, not the deployer's."""
        waits = self.settling.calls
        if not waits:
            return 0.0
        polls = [c.begin for c in self.calls if c.operation == "lambda:GetFunction" and c.begin < waits[0].begin]
        return waits[-1].begin - max(polls)

    @property
    def in_flight(self) -> int:
        return max((sum(o.begin <= call.begin < o.end for o in self.calls) for call in self.calls), default=0)


class Proxy:
    """Listens on a free loopback port. `latency` may be changed between runs; `take` empties the book."""

    def __init__(self, upstream: str) -> None:
        self.latency = 0.0
        self.endpoint = ""
        host, port = upstream.removeprefix("http://").split(":")
        self._upstream = (host, int(port))
        self._calls: list[Call] = []
        self._started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._started.wait()

    def take(self) -> Traffic:
        calls, self._calls = self._calls, []
        return Traffic(calls)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=1 << 20)
        self.endpoint = "http://127.0.0.1:{}".format(server.sockets[0].getsockname()[1])
        self._started.set()
        await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the client's is one of ours: what it sends at once, it sends over several."""
        up_reader, up_writer = await asyncio.open_connection(*self._upstream, limit=1 << 20)
        try:
            while True:
                head, body = await _message(reader)
                begin = time.monotonic()
                await asyncio.sleep(self.latency)
                up_writer.write(head + body)
                answer = b"".join(await _message(up_reader))
                # Before the answer leaves, or the call could be missing from the book when the client ends.
                self._calls.append(Call(_operation(head, body), begin, time.monotonic()))
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            up_writer.close()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:] if b":" in line)
    if fields.get(b"transfer-encoding", b"").strip() == b"chunked":
        return head, await _chunks(reader)
    return head, await reader.readexactly(int(fields.get(b"content-length", b"0")))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        body += line + await reader.readexactly(size + 2)
        if size == 0:
            return body


def _operation(head: bytes, body: bytes) -> str:
    request, *lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    service = (re.search(r"credential=[^/]+/\d+/[^/]+/([^/]+)/", fields.get("authorization", "")) or ["", "?"])[1]
    if target := re.search(r"(?im)^x-amz-target: *\S+\.(\w+)", head.decode("latin-1")):
        return f"{service}:{target[1]}"
    if action := parse_qs(body.decode("latin-1")).get("Action"):
        return f"{service}:{action[0]}"
    method, target_path, _ = request.split(" ", 2)
    path = f"{method} {unquote(target_path.split('?')[0])}"
    return next((name for pattern, name in REST if re.match(pattern, path)), f"{service}:{path}")
