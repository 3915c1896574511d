"""Timelines of runs that did not take place."""

from typing import Any

from dev.fault.calls import Call
from dev.fault.fault import Fault
from dev.fault.timeline import Timeline


def timeline(fault: Fault, calls: list[Call], **seen: Any) -> Timeline:
    """Return a run of 40 s in which the fault lasted from 10 to 20, with nothing left at its end."""
    return Timeline(
        fault, began=0, within=30, injected=10, ended=20, finished=40, calls=calls, left=0, **seen
    )
