"""Reads the platform's settings: from the environment, from Tilt's flags, and from tilt_config.json."""

import json
from collections.abc import Mapping
from pathlib import Path

from dev import FixableError
from dev.settings import ROOT, SETTINGS, TABLE, Values

# What RUNTIME was before it became PROFILE and ENGINE. Any other value is some other program's variable.
FORMER = {
    "ollama": "ENGINE=ollama",
    "embedded": "ENGINE=llamacpp",
    "simulated": "ENGINE=simulated",
    "local": "PROFILE=local",
}


def given(*sources: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each setting whose variable is set and not empty; later sources win.

    Raises:
        FixableError: RUNTIME has one of its former values.
    """
    variables = {name: text for source in sources for name, text in source.items() if text}
    if fix := FORMER.get(variables.get("RUNTIME", "")):
        raise FixableError(f"RUNTIME={variables['RUNTIME']}: RUNTIME is now PROFILE and ENGINE", fix)
    return {s.name: variables[s.variable] for s in TABLE if s.variable in variables}


def as_variables(flags: Mapping[str, object]) -> dict[str, str]:
    """Return Tilt's flags as the environment variables of the same settings.

    Raises:
        FixableError: a flag is none of Tilt's.
    """
    if unknown := sorted(flags.keys() - {s.name for s in TABLE if s.tilt}):
        hint = "runtime is now profile and engine" if "runtime" in unknown else "tilt up -- --help lists them"
        raise FixableError(f"unknown settings: {', '.join(unknown)}", f"remove them ({hint})")
    return {SETTINGS[name].variable: str(value) for name, value in flags.items()}


def from_file(path: Path = ROOT / "tilt_config.json") -> dict[str, str]:
    """Return Tilt's configuration file as environment variables; none where there is no such file.

    Raises:
        FixableError: the file is not a JSON object of known settings.
    """
    try:
        return as_variables(dict(json.loads(path.read_text())))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise FixableError(f"{path} is not a JSON object: {error}", "correct it, or remove it") from error
    except FixableError as error:
        raise FixableError(f"{path}: {error.problem}", error.fix) from error


def parse(texts: Mapping[str, str]) -> Values:
    """Return the value of every setting, the default where none is given.

    Raises:
        FixableError: a setting has no such value.
    """
    return {s.name: s.parse(texts.get(s.name, s.default)) for s in TABLE}
