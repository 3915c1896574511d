"""Run charts/llm-runtime/files/ollama.sh with a fake `ollama`."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.charts import fake_ollama
from tests.charts.helm import ROOT

SCRIPT = ROOT / "charts/llm-runtime/files/ollama.sh"
MODEL = "gemma3:270m"
SOURCE = f"mirror:5000/library/{MODEL}"
SECONDS = 60  # for the script to end, on a busy machine


class Pod:
    """A folder in which the script finds an `ollama`, its results, and its environment."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.results, self._calls = folder / "results.json", folder / "calls"
        self._calls.touch()
        self.environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "OLLAMA_HOST": f"0.0.0.0:{self.port}",
            "OLLAMA_MODELS": "/models",
            "MODEL_THREADS": "2",
            "TMPDIR": str(folder),
            "FAKE_RESULTS": str(self.results),
            "FAKE_CALLS": str(self._calls),
        }
        ollama = folder / "ollama"
        ollama.write_text(f'#!/bin/sh\nexec {sys.executable} {fake_ollama.__file__} "$@"\n')
        ollama.chmod(0o755)

    def run(
        self, *arguments: str, results: dict[str, Any], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the script while `ollama`'s commands and the server's paths have these results."""
        return self.run_command(["bash", str(SCRIPT), *arguments], results=results, **environment)

    def run_command(
        self, command: list[str], results: dict[str, Any], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run another command of the pod likewise."""
        self.results.write_text(json.dumps(results))
        return subprocess.run(
            command,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def calls(self) -> list[list[str]]:
        """Return the arguments of each client and the path of each request, in order."""
        return [json.loads(line) for line in self._calls.read_text().splitlines()]

    def listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0


def screens(*screens: list[str]) -> str:
    """Return what the CLI draws: each screen over the one before, as Ollama's progress/progress.go does."""
    drawn, height = "", 0
    for lines in screens:
        up = "\033[A" * (height - 1)
        drawn += f"\033[?2026h\033[?25l{up}\033[1G" + "\n".join(f"{line}\033[K" for line in lines)
        drawn += "\033[?25h\033[?2026l"
        height = len(lines)
    return drawn + "\n"


PS = "NAME    ID    SIZE    PROCESSOR    CONTEXT    UNTIL\n"
UP = {"ps": [0, PS, ""]}
MISSING = {"show": [1, "", f"Error: model '{SOURCE}' not found\n"]}
PRESENT = {"show": [0, "  Model\n    architecture  gemma3\n", ""]}
CREATED = {"create": [0, "", screens(["gathering model components ⠙ "], ["success "])]}
PULLED = {
    "pull": [
        0,
        "",
        screens(
            ["pulling manifest ⠋ "],
            ["pulling manifest ⠙ "],
            ["pulling manifest ", "pulling 735af2139dc6:  12% ▕█████      ▏  35 MB/291 MB   12 MB/s    21s"],
            ["pulling manifest ", "pulling 735af2139dc6:  18% ▕██████     ▏  52 MB/291 MB   12 MB/s    19s"],
            ["pulling manifest ", "pulling 735af2139dc6: 100% ▕███████████▏ 291 MB                         "],
            ["pulling manifest ", "pulling 735af2139dc6: 100% ▕███████████▏ 291 MB  ", "success "],
        ),
    ]
}


def pull_fails(reason: str) -> dict[str, Any]:
    return {"pull": [1, "", screens(["pulling manifest ⠋ "]) + f"Error: {reason}\n"]}
