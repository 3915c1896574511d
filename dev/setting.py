"""A setting of the platform: what dev/settings.py declares, and how its text is read."""

import difflib
from dataclasses import dataclass
from typing import Literal

from dev import FixableError

SWITCH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Setting:
    """A setting of the platform.

    `default` is the value that holds where none is given. `otherwise` describes, in words, what holds where
    there is no such fixed value. `tilt` is false for what only `make` needs.
    """

    name: str
    help: str
    default: str = ""
    otherwise: str = ""
    kind: Literal["string", "list", "switch", "port"] = "string"
    values: tuple[str, ...] = ()
    group: Literal["platform", "mirror"] = "platform"
    tilt: bool = True

    @property
    def variable(self) -> str:
        """The environment variable of the setting, which make sets: `make up MODEL=...`."""
        return self.name.upper()

    @property
    def usage(self) -> str:
        """The help of Tilt's flag, with values and default."""
        values = f": {', '.join(self.values)}" if self.values else ""
        default = self.default or self.otherwise
        return f"{self.help}{values}" + (f" (default: {default})" if default else "")

    def parse(self, text: str) -> str | bool | int:
        """Return the value that a text stands for.

        Raises:
            FixableError: the setting has no such value.
        """
        problem = f"{self.variable}={text} is not "
        if self.kind == "switch":
            if text.lower() not in SWITCH:
                raise FixableError(f"{problem}true or false", f"{self.variable}=true (or false)")
            return SWITCH[text.lower()]
        if self.kind == "port":
            if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
                raise FixableError(f"{problem}a port (1 to 65535)", f"{self.variable}={self.default}")
            return int(text)
        if self.kind == "list" and text:
            return self._parse_list(text)
        if self.values and text and text not in self.values:
            meant = difflib.get_close_matches(text, self.values, 1) or self.values
            raise FixableError(f"{problem}one of {', '.join(self.values)}", f"{self.variable}={meant[0]}")
        return text

    def _parse_list(self, text: str) -> str:
        """Return the entries without the spaces around them.

        Raises:
            FixableError: one is empty, or the same as another.
        """
        entries = [entry.strip() for entry in text.split(",")]
        distinct = list(dict.fromkeys(filter(None, entries)))
        if entries != distinct:
            problem = "has an empty entry" if "" in entries else "has an entry twice"
            raise FixableError(f"{self.variable}={text} {problem}", f"{self.variable}={','.join(distinct)}")
        return ",".join(entries)
