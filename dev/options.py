"""Command lines whose options can also be set by environment variables."""

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """The command line of one verb.

    make passes its variables on in the environment, so `make load RATE=4` is `python -m dev load --rate 4`.
    An option on the command line wins over its variable.
    """

    def __init__(self, verb: str, description: str | None) -> None:
        super().__init__(prog=f"python -m dev {verb}", description=(description or "").partition("\n\n")[0])
        self._variables: dict[str, str] = {}

    def add_setting(self, flag: str, help_: str, *, variable: str = "", **options: Any) -> None:
        """Add an option with its variable, by default the flag in capitals: MAX_TOKENS for --max-tokens."""
        variable = variable or flag.removeprefix("--").replace("-", "_").upper()
        self._variables[variable] = flag
        self.add_argument(flag, help=f"{help_} [{variable}]", **options)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Return the options of the environment and the command line."""
        return self.parse_args([*(f"{flag}={value}" for flag, value in self._from_environment()), *argv])

    def error(self, message: str) -> NoReturn:
        """Exit with a usage error that also names the environment's value, which the user may not know of."""
        for flag, value in self._from_environment():
            if message.startswith(f"argument {flag}:"):
                message += f" (the environment sets {flag} to {value!r})"
        super().error(message)

    def _from_environment(self) -> list[tuple[str, str]]:
        return [(flag, os.environ[name]) for name, flag in self._variables.items() if os.environ.get(name)]
