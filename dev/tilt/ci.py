"""How long `tilt ci` may take."""

import subprocess

from dev.doctor import tools

# How long a model's download may keep `tilt ci` waiting; Tilt has readiness_timeout since 0.35.
CI = {"timeout": "40m", "k8s_grace_period": "3m"}
READINESS_TIMEOUT = "30m"


def limits() -> dict[str, str]:
    """Return the arguments of ci_settings() that this Tilt has."""
    try:
        shown = subprocess.run(["tilt", "version"], capture_output=True, text=True, timeout=20, check=False)
        version = tools.parse_version(shown.stdout)
    except (OSError, subprocess.TimeoutExpired):
        version = None
    newer = version is not None and version >= (0, 35, 0)
    return {**CI, "readiness_timeout": READINESS_TIMEOUT} if newer else CI
