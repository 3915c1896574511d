"""Every saved change of the gateway's source is live in its pod, however it was saved."""

import os
import socket
import time
from collections.abc import Iterator

import pytest

from bench.saves import MAIN
from bench.saving import PATH, ROUTE, App, restored, save, saves, served, wait

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("tilt")]

SAVE_SECONDS = 60
"""For a save to be live; `python -m bench.saves` measures how few it takes."""


@pytest.fixture
def tilt() -> None:
    """Skips if no Tilt watches the files: after `tilt ci`, or on a platform that GitOps installed."""
    with socket.socket() as probe:
        probe.settimeout(5)
        if probe.connect_ex(("127.0.0.1", 10350)):
            pytest.skip("no Tilt runs here (port 10350): tilt up")


@pytest.fixture
def app(gateway: str) -> App:
    return App("the gateway", gateway, MAIN)


@pytest.fixture
def original(app: App) -> Iterator[str]:
    """The text of the gateway's main.py, which is restored at the end."""
    with restored(app, SAVE_SECONDS) as text:
        yield text


@pytest.mark.timeout(6 * SAVE_SECONDS)
def test_each_save_of_the_gateways_source_goes_live_and_the_file_is_restored(app: App) -> None:
    before = MAIN.read_bytes()
    assert len(list(saves(app, count=3, patience=SAVE_SECONDS))) == 3
    assert MAIN.read_bytes() == before
    assert served(app.url) == {}, "the restored file is not live"


@pytest.mark.timeout(6 * SAVE_SECONDS)
def test_of_two_saves_the_last_one_is_served_whatever_the_time_between_them(app: App, original: str) -> None:
    for tenths in range(1, 13):
        save(app, original, f"first-{tenths}")
        time.sleep(tenths / 10)
        save(app, original, f"last-{tenths}")
        wait(app.url, f"last-{tenths}", SAVE_SECONDS)


@pytest.mark.timeout(6 * SAVE_SECONDS)
def test_a_file_is_served_whatever_its_time_says(app: App, original: str) -> None:
    aside = MAIN.with_suffix(".orig")
    save(app, original, "older")
    wait(app.url, "older", SAVE_SECONDS)
    MAIN.rename(aside)
    save(app, original, "newer")
    wait(app.url, "newer", SAVE_SECONDS)
    aside.rename(MAIN)
    wait(app.url, "older", SAVE_SECONDS)
    save(app, original, "future")
    os.utime(MAIN, (time.time() + 3600,) * 2)
    wait(app.url, "future", SAVE_SECONDS)
    save(app, original, "present")
    wait(app.url, "present", SAVE_SECONDS)


@pytest.mark.timeout(6 * SAVE_SECONDS)
def test_a_module_that_is_saved_after_main_and_an_error_that_is_undone_are_served(
    app: App, original: str
) -> None:
    module = MAIN.parent / "llm_api/saved_later.py"
    route = ROUTE.format(path=PATH, word="").replace('""', "saved_later.WORD")
    MAIN.write_text(f"{original}{route}\nfrom llm_api import saved_later\n")
    time.sleep(1.5)  # until the import has failed
    try:
        module.write_text('WORD = "later"\n')
        wait(app.url, "later", SAVE_SECONDS)
    finally:
        save(app, original, "without it")
        module.unlink()
    wait(app.url, "without it", SAVE_SECONDS)


@pytest.mark.timeout(6 * SAVE_SECONDS)
def test_twenty_files_that_change_at_once_are_served(app: App, original: str) -> None:
    files = sorted(MAIN.parent.glob("llm_api/**/*.py"))[:19]
    texts = [file.read_text() for file in files]
    try:
        for file, text in zip(files, texts, strict=True):
            file.write_text(f"{text}\n# changed\n")
        save(app, original, "twenty")
        wait(app.url, "twenty", SAVE_SECONDS)
    finally:
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
