"""The authority that signs the Gateway's certificate, and its file for clients.

Nothing is put into a trust store here: the file is written, and who wants to trust it names it.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dev import FixableError
from dev.settings import ROOT

FILE = ROOT / "out/ca.crt"


def mkcert_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return where mkcert keeps its authority (`mkcert -CAROOT`): https://github.com/FiloSottile/mkcert."""
    if given := environment.get("CAROOT"):
        return Path(given)
    home = Path(environment.get("HOME") or Path.home())
    if platform == "darwin":
        return home / "Library/Application Support/mkcert"
    return Path(environment.get("XDG_DATA_HOME") or home / ".local/share") / "mkcert"


def mkcert(folder: Path) -> tuple[str, str] | None:
    """Return mkcert's certificate and key (PEM), or None where there are none.

    Raises:
        FixableError: the files exist and cannot be read.
    """
    try:
        return (folder / "rootCA.pem").read_text(), (folder / "rootCA-key.pem").read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FixableError(
            f"mkcert's authority cannot be read: {error}",
            "make its files in `mkcert -CAROOT` readable, or leave it out: CAROOT=/nonexistent make up",
        ) from error


def write(certificate: str, path: Path = FILE) -> None:
    """Write the authority's certificate for clients."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(certificate)


def usage(url: str, trusted: bool, path: Path = FILE) -> str:
    """Return how clients use the address and the file."""
    file = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    lines = [
        f"HTTPS: {url}",
        f"  curl --cacert {file} {url}/v1/models",
        f"  SSL_CERT_FILE={file} LLM_URL={url} make ask   (and Python's clients alike)",
    ]
    if trusted:
        lines.append("  the authority is mkcert's: after `mkcert -install` browsers trust it")
    return "\n".join(lines)
