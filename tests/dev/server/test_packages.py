"""Packages stay loaded over saves, and are imported again on a signal."""

import signal

from tests.dev.server.support import Dev
from tests.waiting import until_sync


def test_new_packages_are_imported_on_a_signal_and_no_stream_is_cut(dev: Dev) -> None:
    with dev.stream() as old:
        assert next(old) == "one begins"
        pid = dev.http.get("/pid").text
        dev.process.send_signal(signal.SIGUSR1)
        until_sync("another process", lambda: dev.http.get("/pid").text, lambda seen: seen != pid)
        dev.finish_streams()
        assert list(old) == ["one ends"]
    dev.has_generations(1)
    dev.save('WORD = "two"')
    dev.serves("two")


def test_packages_are_imported_again_once_for_all_generations(dev: Dev) -> None:
    dev.save("import json, sys\nWORD = str('colorsys' in sys.modules)\nimport colorsys")
    dev.serves("False")
    dev.process.send_signal(signal.SIGUSR1)
    dev.serves("True")


def test_packages_stay_loaded_and_own_modules_are_fresh(dev: Dev) -> None:
    """Counted by what a generation imports that its parent has not."""
    dev.save("import json, sys\nWORD = str('colorsys' in sys.modules)\nimport colorsys")
    dev.serves("False")
    dev.save("import json, sys\nWORD = str('colorsys' in sys.modules) + ' now'\nimport colorsys")
    dev.serves("True now")


def test_modules_that_are_made_and_not_imported_are_left_out(dev: Dev) -> None:
    """Cython keeps its shared types in such a module."""
    dev.save("import sys, types\nsys.modules['made'] = types.ModuleType('made')\nWORD = 'two'")
    dev.serves("two")
    dev.save("WORD = 'three'")
    dev.serves("three")
    assert "cannot stay loaded" not in dev.log
