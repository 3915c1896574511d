"""The HTTP response of several answers to one request, each of which is a generation of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from llm_api.dialects.dialect import ChoicesFormat, encode
from llm_api.errors import GatewayError
from llm_api.gateway import Gateway
from llm_api.record import Phases, RequestRecord, Usage, together
from llm_api.server.answer import Answer
from llm_api.upstream.chunk import Chunk, Finish, joined
from llm_api.upstream.client import Job

T = TypeVar("T")


class Choices(Answer):
    """Generates all answers at once, as far as the queue lets them; the failure of one ends the others."""

    def __init__(
        self, gateway: Gateway, record: RequestRecord, job: Job, answer_format: ChoicesFormat
    ) -> None:
        super().__init__(gateway, record, job, answer_format)
        self._formats = [answer_format.choice(index) for index in range(job.choices)]
        self._all = [Phases(record.arrived) for _ in self._formats]

    async def _stream(self) -> None:
        async with self._kept_alive():
            total = self._total(await self._each(self._stream_one))
        await self._send_body(self._formats[0].close(total), more=False)

    async def _stream_one(self, index: int) -> Finish:
        one, phases = self._formats[index], self._all[index]

        async def emit(chunks: list[Chunk]) -> None:
            await self._send_event(one.pieces(chunks), phases)

        finish = await self._generate(index, emit)
        await self._send_event(one.end(finish, phases), phases)
        return finish

    @property
    def _progress(self) -> Phases:
        return together(self._all)

    async def _send_event(self, content: bytes, phases: Phases) -> None:
        async with self._sending:
            if not self._began:
                self._phases = phases  # the headers have the times of the first answer that has a token
            await self._send_piece(content)

    async def _whole(self) -> None:
        found = await self._each(self._whole_one)
        total = self._total([finish for _, finish in found])
        wholes = [whole for whole, _ in found]
        await self._send_whole(encode(self._formats[0].merged(wholes, total, together(self._all))))

    async def _whole_one(self, index: int) -> tuple[dict[str, Any], Finish]:
        chunks: list[Chunk] = []

        async def collect(arrived: list[Chunk]) -> None:
            chunks.extend(arrived)

        finish = await self._generate(index, collect)
        return self._formats[index].whole(joined(chunks), finish, self._all[index]), finish

    async def _generate(self, index: int, emit: Callable[[list[Chunk]], Awaitable[None]]) -> Finish:
        phases = self._all[index]
        try:
            finish = await self._gateway.generate(self._job.choice(index), phases, emit)
        finally:
            self._record.phases = together(self._all)
        self._record.generations.append((phases, finish.usage))
        return finish

    async def _each(self, one: Callable[[int], Awaitable[T]]) -> list[T]:
        """Run `one` for every choice at once.

        Raises:
            GatewayError: One of them failed.
        """

        async def run(index: int) -> T:
            return await one(index)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(run(index)) for index in range(self._job.choices)]
        except ExceptionGroup as failures:
            raise next((e for e in failures.exceptions if isinstance(e, GatewayError)), failures) from None
        return [task.result() for task in tasks]

    def _total(self, finishes: list[Finish]) -> Finish:
        """Return an end with the usage of all: each prompt counts once, as with OpenAI."""
        generated = sum(finish.usage.generated_tokens for finish in finishes)
        prompts = sum(finish.usage.prompt_tokens for finish in finishes[:: self._job.choices_per_prompt])
        first = finishes[0]
        self._record.usage = Usage(prompts, generated)
        self._record.finish_reasons = [finish.reason for finish in finishes]
        return Finish(first.reason, self._record.usage, first.load, first.decode)
