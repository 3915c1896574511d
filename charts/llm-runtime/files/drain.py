"""preStop: serve on while the pod's address leaves the Service, then until nothing runs or waits here.

Arguments: address of /metrics, seconds to serve on at least, seconds to wait for idleness at most, the
gauges that are 0 in an idle server. Only then comes SIGTERM, which thus cuts no answer short.
"""

import sys
import time
import urllib.request


def busy(url: str, gauges: list[str]) -> float:
    """Return the sum of the gauges, whatever their labels; raise OSError where nobody answers."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (an address of this chart)
        lines = answer.read().decode().splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.partition(" ")[0].partition("{")[0] in gauges
    )


def main(url: str, least: str, most: str, *gauges: str) -> int:
    time.sleep(float(least))
    end = time.monotonic() + float(most)
    while time.monotonic() < end:
        try:
            if busy(url, list(gauges)) == 0:
                return 0
        except OSError as error:
            print(f"{url}: {error}", file=sys.stderr)
            return 1
        time.sleep(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
