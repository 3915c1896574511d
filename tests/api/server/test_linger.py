"""What is written together is sent together, and nothing of it is lost when the connection is closed."""

import asyncio

import pytest
from llm_api.server.linger import LingeringTransport


class Recorder(asyncio.Transport):
    """Notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def write_eof(self) -> None:
        self.done.append("eof")

    def can_write_eof(self) -> bool:
        return True

    def resume_reading(self) -> None:
        self.done.append("reading")

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")

    def is_closing(self) -> bool:
        return not {"closed", "aborted"}.isdisjoint(self.done)


def lingering(transport: Recorder, *, sending: bool = False) -> LingeringTransport:
    return LingeringTransport(transport, lambda: sending, seconds=60, max_bytes=100)


async def test_a_head_and_its_body_are_sent_at_once() -> None:
    transport = Recorder()
    connection = lingering(transport)
    connection.write(b"head ")
    connection.write(b"body")
    await asyncio.sleep(0)
    assert transport.done == [b"head body"]


async def test_what_is_written_later_is_sent_later() -> None:
    transport = Recorder()
    connection = lingering(transport)
    for token in (b"one", b"two"):
        connection.write(token)
        await asyncio.sleep(0)
    assert transport.done == [b"one", b"two"]


@pytest.mark.parametrize("close", ["close", "close_now"])
async def test_what_was_written_is_sent_before_the_connection_closes(close: str) -> None:
    transport = Recorder()
    connection = lingering(transport)
    connection.write(b"last")
    getattr(connection, close)()
    await asyncio.sleep(0)
    assert transport.done == [b"last", "closed"]


async def test_what_was_written_is_sent_before_the_own_side_ends() -> None:
    transport = Recorder()
    connection = lingering(transport, sending=True)
    connection.write(b"last")
    connection.close()
    connection.closed()
    assert transport.done == [b"last", "eof", "reading"]


async def test_nothing_is_sent_on_a_connection_that_was_aborted() -> None:
    transport = Recorder()
    connection = lingering(transport)
    connection.write(b"lost")
    connection.abort()
    await asyncio.sleep(0)
    assert transport.done == ["aborted"]
