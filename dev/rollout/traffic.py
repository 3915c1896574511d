"""The requests of a load while it runs, from k6's log: those that were sent and those that have ended."""

import sys
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from dev.load.output import Request, Sent, parse_request, parse_sent


@dataclass
class Traffic:
    """What has been logged so far; a thread of its own reads the log.

    Attributes:
        error: Why the log ended before it was closed; empty if it did not.
    """

    sent: list[Sent] = field(default_factory=list)
    ended: list[Request] = field(default_factory=list)
    error: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def listen(self, lines: Iterable[str]) -> None:
        """Collect the requests in k6's log, in the background."""

        def collect() -> None:
            try:
                for line in lines:
                    self.note(line)
                self.error = "k6 has ended"
            except (ApiException, HTTPError, OSError, ValueError) as error:
                self.error = f"k6's log broke off: {error}"
            finally:
                self.over.set()

        threading.Thread(target=collect, daemon=True).start()

    def note(self, line: str) -> None:
        """Read a line of the log."""
        if begun := parse_sent(line):
            self.sent.append(begun)
        elif found := parse_request(line):
            self.ended.append(found)
        elif "level=error" in line or line.startswith("ERRO"):
            print(f"k6: {line}", file=sys.stderr)

    def before(self, end: float) -> tuple[list[Request], Counter[str]]:
        """Return the requests sent before `end` that have ended, and how many of each kind have not."""
        ended = [request for request in list(self.ended) if request.at < end]
        open_ = Counter(sent.kind for sent in list(self.sent) if sent.at < end)
        open_.subtract(Counter(request.kind for request in ended))
        return ended, +open_
