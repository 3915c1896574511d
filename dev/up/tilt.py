"""The command lines of Tilt."""

from collections.abc import Mapping

from dev.doctor import tools
from dev.settings import CONTEXT, SETTINGS


def flags(given: Mapping[str, str]) -> list[str]:
    """Return the settings as the flags that follow `tilt up --`."""
    return [f"--{name}={text}" for name, text in given.items() if SETTINGS[name].tilt]


def command(verb: str, given: Mapping[str, str], *options: str) -> list[str]:
    """Return the command line of `tilt up`, `ci` or `down` with these settings.

    Raises:
        FixableError: Tilt is not installed.
    """
    return [tools.path("tilt"), verb, "--context", CONTEXT, *options, "--", *flags(given)]
