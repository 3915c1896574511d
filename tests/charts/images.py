"""The commands of the images, to run them without a container."""

import json
import re

from tests.charts.helm import ROOT


def commands(folder: str) -> list[list[str]]:
    """Return what the Dockerfile's targets, dev and prod, run: the arguments of `python -m`.

    The dev target finds the development server by PYTHONPATH, which is the repository's root.
    """
    text = (ROOT / folder / "Dockerfile").read_text().replace("\\\n", "")
    found = [json.loads(command) for command in re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)]
    return [command[2:] if command[:2] == ["python", "-m"] else command for command in found]
