"""preStop: serve on while the pod's address leaves the Service, then until nothing runs or waits here.

Arguments: the address of /metrics, seconds to serve on at least, seconds to wait for idleness at most, and
the gauges that are 0 in an idle server. Only then comes SIGTERM, which thus cuts no answer short.
"""

import sys
import time
import urllib.request


def busy(url: str, gauges: set[str]) -> float:
    """Return the sum of the gauges.

    Raises OSError where nobody answers, and ValueError where a gauge is missing.
    """
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (an address of this chart)
        lines = answer.read().decode().splitlines()
    values = {line.split()[0]: float(line.split()[-1]) for line in lines if line and line[0] != "#"}
    if missing := gauges - set(values):
        raise ValueError(f"no {', '.join(sorted(missing))}")
    return sum(values[gauge] for gauge in gauges)


def main(url: str, least: str, most: str, *gauges: str) -> int:
    """Return 0 once idle or out of time, 1 where idleness cannot be known."""
    time.sleep(float(least))
    end = time.monotonic() + float(most)
    while time.monotonic() < end:
        try:
            if busy(url, set(gauges)) == 0:
                break
        except (OSError, ValueError) as error:
            print(f"{url}: {error}", file=sys.stderr)
            return 1
        time.sleep(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
