"""uvicorn's HTTP protocol, without offers to upgrade a connection (`Upgrade: h2c`).

RFC 9110, 7.8, lets a server ignore them. Java's HttpClient and `curl --http2` send them with every request,
and httptools takes what follows the head for another protocol: the body would be lost. Start with
`uvicorn --http llm_runtime.upgrades:Protocol`.
"""

import asyncio

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Parser(httptools.HttpRequestParser):
    """Where httptools stops at an offer, has the request parsed again without it."""

    def __init__(self, protocol: "Protocol") -> None:
        super().__init__(protocol)
        self._protocol = protocol
        # As uvicorn: the first of several pipelined requests gets its response.
        self.set_dangerous_leniencies(lenient_data_after_close=True)

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            if not self._protocol.is_offer():  # CONNECT
                raise
            (end_of_head,) = stop.args
            self._protocol.parse_without_offer(data[end_of_head:])


class Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.parser = Parser(self)

    def is_offer(self) -> bool:
        """Return whether the head that has just been parsed offers to upgrade the connection."""
        return self.parser.should_upgrade() and any(name == b"upgrade" for name, _ in self.headers)

    def parse_without_offer(self, rest: bytes) -> None:
        """Parse the current request again, from its head without the offer and the `rest` of the input."""
        version = self.parser.get_http_version().encode()
        first = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)
        lines = [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = Parser(self)
        self.parser.feed_data(b"\r\n".join([first, *lines, b"", rest]))

    def _should_upgrade(self) -> bool:
        return self.is_offer()  # keeps uvicorn from serving the request that will be parsed again
