"""The authority of the Gateway's certificate: mkcert's where there is one, and a file for clients."""

from pathlib import Path

import pytest

from dev import FixableError
from dev.https import authority
from dev.settings import ROOT


@pytest.mark.parametrize(
    ("environment", "platform", "folder"),
    [
        ({"CAROOT": "/ca", "HOME": "/h"}, "linux", "/ca"),
        ({"HOME": "/h"}, "linux", "/h/.local/share/mkcert"),
        ({"HOME": "/h", "XDG_DATA_HOME": "/x"}, "linux", "/x/mkcert"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Application Support/mkcert"),
    ],
)
def test_mkcerts_authority_is_looked_for_where_mkcert_puts_it(
    environment: dict[str, str], platform: str, folder: str
) -> None:
    assert authority.mkcert_folder(environment, platform) == Path(folder)


def test_mkcerts_authority_is_used_where_it_has_both_files(tmp_path: Path) -> None:
    assert authority.mkcert(tmp_path) is None
    (tmp_path / "rootCA.pem").write_text("certificate")
    assert authority.mkcert(tmp_path) is None
    (tmp_path / "rootCA-key.pem").write_text("key")
    assert authority.mkcert(tmp_path) == ("certificate", "key")


def test_an_authority_that_cannot_be_read_is_an_error_with_a_way_around_it(tmp_path: Path) -> None:
    (tmp_path / "rootCA.pem").mkdir()
    with pytest.raises(FixableError, match=r"(?s)cannot be read.*fix: .*CAROOT="):
        authority.mkcert(tmp_path)


def test_the_authoritys_file_is_written_and_its_use_explained(tmp_path: Path) -> None:
    authority.write("certificate", tmp_path / "out/ca.crt")
    assert (tmp_path / "out/ca.crt").read_text() == "certificate"
    told = authority.usage("https://llm.localhost:8443", trusted=False)
    assert "curl --cacert out/ca.crt https://llm.localhost:8443/" in told
    assert "SSL_CERT_FILE=out/ca.crt" in told
    assert "mkcert" not in told
    assert "mkcert -install" in authority.usage("https://llm.localhost:8443", trusted=True)
    assert authority.FILE == ROOT / "out/ca.crt"
