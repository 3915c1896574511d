"""What Tilt knows of a save."""

import json
import os
import subprocess
from datetime import datetime
from pathlib import Path

from bench import BenchError
from dev.doctor import tools


def noticed(port: int, file: Path, since: float) -> float:
    """Return when the Tilt with this page noticed a save; it has waited for the file to rest by then.

    Args:
        port: Of Tilt's page.
        file: What was saved.
        since: When, in seconds since the epoch.

    Raises:
        BenchError: No Tilt answers there, or it has noticed nothing.
    """
    command = [tools.path("tilt"), "get", "filewatch", "--port", str(port), "-o", "json"]
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=tools.on_path(os.environ), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"Tilt does not answer on port {port}: {done.stderr.strip()}")
    times = [time for time in events(done.stdout, str(file)) if time >= since]
    if not times:
        raise BenchError(f"the Tilt on port {port} has not noticed the save of {file}")
    return min(times)


def events(watches: str, file: str) -> list[float]:
    """Return when a file was seen to change, given Tilt's FileWatch objects as JSON."""
    return [
        datetime.fromisoformat(event["time"]).timestamp()
        for watch in json.loads(watches)["items"]
        for event in watch["status"].get("fileEvents", [])
        if file in event["seenFiles"]
    ]
