"""The Tiltfile as Tilt evaluates it, and why a test is skipped without Tilt or helm."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STAND_INS = f"file://{ROOT / 'tests/tilt/extensions'}"
PLACES = os.pathsep.join([str(ROOT / ".tools/bin"), os.environ.get("PATH", "")])
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: {context}
contexts:
- {{name: {context}, context: {{cluster: c, user: u}}}}
clusters:
- {{name: c, cluster: {{server: "https://127.0.0.1:1"}}}}
users:
- {{name: u, user: {{}}}}
"""


class Evaluated:
    """What a Tiltfile came to: an exit status, words, and its resources by name."""

    def __init__(self, done: "subprocess.CompletedProcess[str]") -> None:
        """Keep what `tilt alpha tiltfile-result` said."""
        self.status = done.returncode
        self.words = done.stderr
        self.result: dict[str, Any] = json.loads(done.stdout) if not done.returncode else {}
        self.resources = {m["Name"]: m for m in self.result.get("Manifests", [])}

    def waits_for(self, name: str) -> list[str]:
        """The resources that have to be ready first."""
        return sorted(self.resources[name]["ResourceDependencies"] or [])

    def text(self, name: str) -> str:
        """A resource, whole, as JSON."""
        return json.dumps(self.resources[name])


Evaluate = Callable[..., Evaluated]


def program(name: str) -> str:
    """The path of a program from the project's own tools or the PATH; skips where it is in neither."""
    found = shutil.which(name, path=PLACES)
    if found is None:
        pytest.skip(f"{name} is not on the PATH nor in .tools/bin (make up installs it)")
    return found


@pytest.fixture(scope="session")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """Evaluates the Tiltfile with settings such as runtime="embedded"; each combination once."""
    tilt = program("tilt")
    program("helm")
    home = tmp_path_factory.mktemp("tilt")
    known: dict[str, Evaluated] = {}

    def call(*arguments: str, context: str = "kind-llm", extensions: str = STAND_INS) -> Evaluated:
        given = [*arguments, *([f"--extensions_repo={extensions}"] if extensions else [])]
        key = " ".join([context, *given])
        if key not in known:
            (home / context).write_text(KUBECONFIG.format(context=context))
            environment = {
                **os.environ,
                "PATH": PLACES,
                "KUBECONFIG": str(home / context),
                "DO_NOT_TRACK": "1",
                "TILT_DISABLE_ANALYTICS": "1",
            }
            command = [tilt, "alpha", "tiltfile-result", "--", *given]
            known[key] = Evaluated(
                subprocess.run(
                    command,
                    cwd=ROOT,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=100,
                )
            )
        return known[key]

    return call
