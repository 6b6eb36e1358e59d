"""A limit to how slowly a request may arrive, so that nobody holds connections by sending a byte now and then."""

from __future__ import annotations

import time
from typing import Any, Final

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.utilities import BadRequest

PATIENCE: Final = 25.0  # seconds for a request to arrive whole
RATE: Final = 50_000  # bytes that are worth another second
_MB: Final = 1024 * 1024


class TooSlow(BadRequest):
    """What is answered to a request that did not arrive in time."""

    code = 408
    reason = "Request Timeout"


class PatientParser(HTTPRequestParser):
    """A request that knows since when, and how much of it, it has been arriving."""

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.limit = int(adj.max_request_body_size)
        self.began = time.monotonic()
        self.arrived = 0

    def received(self, data: bytes) -> int:
        """Take in some of it; how much was taken."""
        taken = int(super().received(data))
        self.arrived += taken
        if self.error is not None and self.error.code == 413:
            self.error.body = f"larger than the limit of {self.limit // _MB} MB"
        return taken

    def is_late(self, now: float) -> bool:
        """Whether it should have been here by now."""
        return now - self.began > PATIENCE + self.arrived / RATE


class PatientChannel(HTTPChannel):
    """A connection whose request is answered with 408 when it takes too long to arrive."""

    parser_class = PatientParser

    def end_if_late(self, now: float) -> None:
        """Answer the request that is still arriving, where it is late. Called from the thread that reads."""
        channel: Any = self  # what the library's types leave out
        with channel.requests_lock:
            arriving = channel.request
            if arriving is None or not arriving.is_late(now):
                return
            arriving.error = TooSlow("the request took too long to arrive")
            arriving.completed = True
            channel.request = None
            channel.requests.append(arriving)
            if len(channel.requests) == 1:
                channel.server.add_task(channel)
