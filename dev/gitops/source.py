"""Where Argo CD's own manifests come from."""

import re
import urllib.error
import urllib.request
from pathlib import Path

from dev import FixableError

DOWNLOAD_SECONDS = 60


def read(source: str) -> str:
    """Return the text of a file or an address.

    Raises:
        FixableError: it cannot be had.
    """
    try:
        if source.startswith(("http://", "https://")):
            with urllib.request.urlopen(source, timeout=DOWNLOAD_SECONDS) as response:  # noqa: S310 - checked
                return str(response.read().decode())
        return Path(source).read_text()
    except (OSError, urllib.error.URLError) as error:
        fix = "ARGOCD_MANIFESTS=FILE with manifests/core-install.yaml of https://github.com/argoproj/argo-cd"
        raise FixableError(f"{source} cannot be had: {error}", fix) from error


def with_mirror(text: str, registry: str) -> str:
    """Return manifests whose images come from a registry that mirrors all others; empty: their own."""
    return re.sub(r"(?m)^( *image: )[^/\s]+\.[^/\s]+/", rf"\1{registry}/", text) if registry else text
