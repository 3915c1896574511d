"""Evaluates the Tiltfile with Tilt itself, without a cluster."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dev.settings import CONTEXT, ROOT

STAND_INS = f"file://{ROOT / 'tests/tilt/extensions'}"
CLUSTER = {
    "llm-api",
    "llm-runtime",
    "namespaces",
    "unit-tests",
    "chart-tests",
    "lint",
    "e2e-tests",
    "autoscale",
    "rollout",
}
PLACES = os.pathsep.join([str(ROOT / ".tools/bin"), os.environ.get("PATH", "")])
SECONDS = 100
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
    """The result of a Tiltfile: exit status, log, and its resources by name."""

    def __init__(self, done: "subprocess.CompletedProcess[str]") -> None:
        self.status = done.returncode
        self.log = done.stderr
        self.result: dict[str, Any] = json.loads(done.stdout) if not done.returncode else {}
        self.resources = {m["Name"]: m for m in self.result.get("Manifests", [])}

    def waits_for(self, name: str) -> list[str]:
        """Return the resources that have to be ready first."""
        return sorted(self.resources[name]["ResourceDependencies"] or [])

    def text(self, name: str) -> str:
        """Return a whole resource as JSON."""
        return json.dumps(self.resources[name])


def require(name: str) -> str:
    """Return the path of a program in .tools/ or on the PATH; skip the test where it is in neither."""
    found = shutil.which(name, path=PLACES)
    if found is None:
        pytest.skip(f"{name} is neither on the PATH nor in .tools/bin (make up installs it)")
    return found


class Evaluator:
    """Evaluates the Tiltfile with flags such as --engine=llamacpp, each combination once.

    Without a Gateway, unless a flag says otherwise: no cluster is asked for its port.
    """

    def __init__(self, home: Path) -> None:
        self._tilt = require("tilt")
        require("helm")
        self._home = home
        self._known: dict[str, Evaluated] = {}

    def __call__(
        self,
        *flags: str,
        context: str = CONTEXT,
        extensions: str = STAND_INS,
        folder: Path = ROOT,
        **variables: str,
    ) -> Evaluated:
        """Return the result beside a current context ("": without a kubeconfig), with more variables set."""
        flags = (*flags, *([f"--extensions_repo={extensions}"] if extensions else []))
        key = repr((flags, context, folder, variables))
        if key not in self._known:
            self._known[key] = self._evaluate(flags, context, folder, variables)
        return self._known[key]

    def _evaluate(
        self, flags: tuple[str, ...], context: str, folder: Path, variables: Mapping[str, str]
    ) -> Evaluated:
        kubeconfig = self._home / (context or "none")
        if context:
            kubeconfig.write_text(KUBECONFIG.format(context=context))
        quiet = {"DO_NOT_TRACK": "1", "TILT_DISABLE_ANALYTICS": "1"}
        return Evaluated(
            subprocess.run(
                [self._tilt, "alpha", "tiltfile-result", "--", *flags],
                cwd=folder,
                env={**os.environ, "PATH": PLACES, "KUBECONFIG": str(kubeconfig), "GATEWAY": "none"}
                | {**quiet, **variables},
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS,
            )
        )
