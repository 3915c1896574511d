"""k6 accepts every script, and judges a gateway by its thresholds."""

import json
import re
import socket
import subprocess
from contextlib import ExitStack
from threading import Timer
from typing import Any

import pytest

from dev.doctor import tools
from dev.load.job import SCENARIOS, SCRIPTS
from tests.dev.fake_gateway import FakeGateway
from tests.waiting import SECONDS

K6, _ = tools.find("k6") or ("", "")
pytestmark = pytest.mark.skipif(not K6, reason="k6 is missing, or too old on the PATH")


def inspect(script: str, **settings: str) -> dict[str, Any]:
    flags = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
    done = subprocess.run(
        [K6, "inspect", "--execution-requirements", *flags, str(SCRIPTS / f"{script}.js")],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("script", [*SCENARIOS, "autoscale"])
def test_every_script_has_thresholds_open_arrivals_and_bounded_users(script: str) -> None:
    found = inspect(script, RATE="40", DURATION="60")
    assert found["thresholds"]["llm_failures"]
    assert found["thresholds"]["dropped_iterations"]
    assert found["noConnectionReuse"]
    assert found["maxVUs"] <= 100 * len(found["scenarios"])
    for scenario in found["scenarios"].values():
        assert scenario["executor"] in ("constant-arrival-rate", "ramping-arrival-rate")
        assert scenario["maxVUs"] == 100


def test_a_rate_below_one_stays_below_one() -> None:
    steady = inspect("steady", RATE="0.5", DURATION="20")["scenarios"]["steady"]
    assert (steady["rate"], steady["timeUnit"], steady["duration"]) == (5, "10s", "20s")


def test_the_phases_of_a_burst_fill_its_duration() -> None:
    phases = inspect("burst", RATE="10", DURATION="60")["scenarios"]
    starts = [phases[name].get("startTime") for name in ("before", "burst", "settling", "after")]
    assert starts == ["0s", "15s", "30s", "45s"]
    assert phases["burst"]["rate"] == 10 * phases["before"]["rate"]


def test_a_setting_that_is_not_a_number_ends_the_run_with_a_message() -> None:
    done = subprocess.run(
        [K6, "inspect", "-e", "RATE=many", str(SCRIPTS / "smoke.js")],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode != 0
    assert "RATE must be a number above 0, not 'many'" in done.stderr


def test_a_load_passes_if_its_thresholds_hold_and_fails_if_not(dev: Any, gateway: FakeGateway) -> None:
    load = ["load", "--profile", "local", "--url", gateway.url, "--rate", "5", "--duration", "2s"]
    status, out, _ = dev(*load)
    assert status == 0
    assert re.search(r"goodput +\d+\.\d\d answers/s \(\d+ in ", out)
    assert "held                   llm_failures count==0" in out
    gateway.refusals["/generate"] = (503, {"error": {"code": "runtime_unavailable", "message": "no runtime"}})
    status, out, _ = dev(*load)
    assert status == 1
    assert "failed: status 503 after 0.0" in out
    assert ": no runtime\n" in out
    assert "BROKEN                 llm_failures count==0" in out


@pytest.mark.parametrize("script", [*SCENARIOS, "autoscale", "rollout"])
def test_a_script_waits_until_the_gateway_is_reached(script: str) -> None:
    assert re.search(r"^export \{.*\bsetup\b.*\};$", (SCRIPTS / f"{script}.js").read_text(), re.MULTILINE)


def test_no_request_is_sent_before_the_gateway_is_reached(dev: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    late = FakeGateway()
    with ExitStack() as stack:
        start = Timer(2, lambda: stack.enter_context(late.serve(port)))
        start.start()
        url = f"http://127.0.0.1:{port}"
        status, out, _ = dev("load", "--profile", "local", "--url", url, "--rate", "5", "--duration", "1s")
        start.join()
    assert status == 0, out


def test_a_rollout_has_streams_at_any_time_and_calls_at_a_rate_and_keeps_connections() -> None:
    found = inspect("rollout", STREAMS="100", RATE="20", DURATION="60", MAX_VUS="400")
    streams, calls = found["scenarios"]["streams"], found["scenarios"]["calls"]
    assert (streams["executor"], streams["vus"]) == ("constant-vus", 100)
    assert (calls["executor"], calls["rate"], calls["timeUnit"]) == ("constant-arrival-rate", 200, "10s")
    assert not found["noConnectionReuse"]
