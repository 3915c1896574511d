"""A real Prometheus asks the gateway for OpenMetrics, and keeps the traces that its histogram names."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.fault.prometheus import command
from tests.api.support.collector import collecting
from tests.processes import PATIENCE, PLAIN, free_port, running, service
from tests.waiting import until_sync

MODEL = "simulated:tiny"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.slow
def test_prometheus_leads_from_the_time_to_the_first_token_to_a_trace(
    prometheus: str, tmp_path: Path
) -> None:
    logs, address = tmp_path, f"127.0.0.1:{free_port()}"
    with (
        collecting() as collector,
        service("runtime", logs / "runtime", RUNTIME_ENGINE="simulated", RUNTIME_MODEL=MODEL) as runtime,
        service(
            "api", logs / "api", LLM_RUNTIME_URL=runtime, LLM_MODEL=MODEL, LLM_OTLP_ENDPOINT=collector.url
        ) as gateway,
    ):
        scrape = command(prometheus, address, tmp_path, gateway, [], seconds=1)
        scrape.append("--enable-feature=exemplar-storage")
        with running(scrape, tmp_path, f"http://{address}/-/ready", logs / "prometheus"):
            parent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
            answer = httpx.post(f"{gateway}/generate", json={"prompt": "Hi"}, headers=parent, trust_env=False)
            assert answer.status_code == 200

            def exemplars() -> list[Any]:
                query = {"query": "llm_time_to_first_token_seconds_bucket", "start": "0", "end": "4000000000"}
                found = httpx.get(
                    f"http://{address}/api/v1/query_exemplars", params=query, trust_env=False, verify=PLAIN
                )
                return [e["labels"] for series in found.json()["data"] for e in series["exemplars"]]

            assert until_sync("an exemplar in Prometheus", exemplars, seconds=PATIENCE) == [
                {"trace_id": TRACE}
            ]
