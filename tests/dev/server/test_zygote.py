"""The zygote of the development server comes and goes with the server and its generations."""

import os
import signal

import pytest

from tests.dev.server.project import WORDS, Project
from tests.dev.server.support import processes
from tests.waiting import SECONDS, equals, until_sync


def test_a_zygote_that_is_gone_is_not_needed(project: Project) -> None:
    project.resaved("words.py", WORDS)
    zygote = project.dev.zygote()
    assert zygote
    os.kill(zygote.pid, signal.SIGKILL)
    project.save("words.py", WORDS.replace("{B}", "{B}!"))
    assert project.dev.word() == "2! 3"
    project.dev.has_generations(1)
    [generation] = project.dev.generations()
    assert generation.parent == project.dev.process.pid


def test_how_a_fork_of_a_zygote_ended_is_known(project: Project) -> None:
    project.resaved("words.py", WORDS)
    os.kill(project.pid(), signal.SIGKILL)
    project.dev.prints("status -9): starting another one")
    project.dev.serves("2 3")


def test_a_zygote_ends_with_the_last_of_its_forks(project: Project) -> None:
    project.resaved("words.py", WORDS)
    before = project.dev.zygote()
    with project.dev.stream() as stream:
        next(stream)
        project.save("a.py", "A = 5")
        assert before in project.dev.children()
        project.dev.finish_streams()
        assert list(stream) == ["2 3 ends"]
    until_sync("the end of the old zygote", lambda: before in project.dev.children(), equals(False))


def test_packages_are_imported_again_and_forks_of_a_zygote_end_their_streams(project: Project) -> None:
    project.resaved("words.py", WORDS)
    before = project.pid()
    with project.dev.stream() as stream:
        next(stream)
        project.dev.process.send_signal(signal.SIGUSR1)
        until_sync("another generation", project.pid, lambda pid: pid != before)
        project.dev.finish_streams()
        assert list(stream) == ["2 3 ends"]
    until_sync("the end of the fork", lambda: before in [each.pid for each in processes()], equals(False))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_when_the_server_ends(project: Project, number: signal.Signals) -> None:
    project.resaved("words.py", WORDS)
    pids = {child.pid for child in project.dev.children()}
    project.dev.process.send_signal(number)
    project.dev.process.wait(SECONDS)
    project.dev.ended = True
    until_sync("no process", lambda: [each for each in processes() if each.pid in pids], equals([]))


def test_a_file_that_was_seen_half_written_costs_no_zygote(project: Project) -> None:
    project.resaved("words.py", WORDS)
    zygote = project.dev.zygote()
    project.dev.save("", "words.py")
    project.dev.prints("words.py does not start")
    project.save("words.py", WORDS)
    assert project.dev.zygote() == zygote
