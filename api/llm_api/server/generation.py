"""What every route that generates does with its request."""

from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from llm_api.dialects.dialect import ChoicesFormat, GenerationRequest
from llm_api.gateway import Gateway
from llm_api.record import RequestRecord
from llm_api.server.answer import Answer
from llm_api.server.choices import Choices


async def answer(request: Request, body: GenerationRequest) -> Response:
    """Return the response of a route that generates; the generation runs while it is sent.

    Raises:
        GatewayError: The key's budget is used up, the model is not known or not capable of this, or the
            request is over a limit.
    """
    gateway: Gateway = request.scope["state"]["gateway"]
    record: RequestRecord = request.scope["state"]["record"]
    if record.key:
        await gateway.keys.spend(record.key)
    listed = await gateway.waiting.find(body.model)
    job = body.job(listed or body.model or gateway.settings.model, gateway.settings)
    if listed:
        record.model = listed
        await gateway.catalogue.check(listed, job.needs)
    if record.trace:
        job = record.trace.carry(job)
    answer_format = body.answer_format(record.id, body.model or job.model)
    if job.choices > 1:
        response: Answer = Choices(gateway, record, job, cast(ChoicesFormat, answer_format))
    else:
        response = Answer(gateway, record, job, answer_format)
    response.waits_for_model = listed is None
    return response
