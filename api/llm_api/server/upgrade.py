"""A parser that ignores offers to upgrade a connection (RFC 9110, 7.8), such as `Upgrade: h2c`.

Java's HttpClient and `curl --http2` send them with every request.
"""

from collections.abc import Callable

import httptools


class Parser(httptools.HttpRequestParser):
    """At an offer, httptools' parser stops after the head, and would take the body for the next request.

    Args:
        protocol: Receives the callbacks.
        after_stop: Called with what follows the head at which the parser stopped; returns False if there was
            no offer, as with CONNECT, at which it stops too.
    """

    def __init__(self, protocol: object, after_stop: Callable[[bytes], bool]) -> None:
        super().__init__(protocol)
        # As uvicorn: a request may be followed by another one although it asked to close the connection.
        self.set_dangerous_leniencies(lenient_data_after_close=True)
        self._after_stop = after_stop

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            (end_of_head,) = stop.args
            if not self._after_stop(data[end_of_head:]):
                raise
