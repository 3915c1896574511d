"""The report of a run."""

from bench.options import arguments
from bench.peers_report import findings, load_table
from bench.report import disturbance, platform_findings, table
from bench.run import Figures, Load
from bench.servers import environment
from bench.steady import Streams


def figures(**added: float) -> Figures:
    """Make figures in which a direct call takes a millisecond, and the others the given seconds more."""
    found = Figures()
    for name, more in {"direct": 0.0, **added}.items():
        found.plain[name] = found.first_token[name] = found.lean_plain[name] = [[0.001 + more] * 5] * 3
        found.throughput[name] = [1000 / (1 + 1000 * more)] * 3
        found.used[name] = [{"client": 50e-6, "gateway": more, "envoy": more, "litellm": more}] * 3
        found.token_rate[name] = [6400.0] * 3
    return found


def load(**paced: float) -> Load:
    """Make the figures under load: calls per second by target; every stream is smooth but LiteLLM's."""
    found = Load()
    for name, rate in paced.items():
        found.paced[name] = [[rate / 4, rate / 2, rate]] * 3
        found.streams[name] = [Streams(0 if name == "litellm" else 512, 40e-6, 90 * 2**20)] * 3
    return found


MEASURED = figures(gateway=0.0005, envoy=0.0002, litellm=0.020)
UNDER_LOAD = load(direct=4000.0, gateway=2400.0, envoy=3000.0, litellm=40.0)


def test_the_platform_has_four_goals_and_the_peers_eight_more() -> None:
    options = arguments([])
    found = platform_findings(MEASURED, options) + findings(MEASURED, UNDER_LOAD, options)
    assert len(found) == 12
    assert all(finding.met for finding in found)


def test_a_gateway_too_far_above_the_floor_misses_two_goals() -> None:
    found = findings(figures(gateway=0.00051, envoy=0.0002, litellm=0.020), UNDER_LOAD, arguments([]))
    assert [finding.goal for finding in found if not finding.met] == [
        "plain call, lean client, added, gateway / Envoy",
        "CPU per call, gateway / Envoy",
    ]


def test_a_gateway_whose_calls_are_late_misses_that_goal() -> None:
    slow = load(direct=4000.0, gateway=2399.0, envoy=3000.0, litellm=40.0)
    missed = [finding.goal for finding in findings(MEASURED, slow, arguments([])) if not finding.met]
    assert missed == ["calls/s with an added P99 of 10 ms, gateway / direct"]


def test_a_peer_that_is_never_in_time_counts_as_in_time_at_the_lowest_rate_that_is_tried() -> None:
    late = load(direct=4000.0, gateway=2400.0, envoy=3000.0, litellm=0.0)
    found = {finding.goal: finding for finding in findings(MEASURED, late, arguments([]))}
    assert found["calls/s with an added P99 of 10 ms, gateway / LiteLLM"].value.median == 2400 / 16


def test_the_table_under_load_has_a_line_for_each_figure() -> None:
    lines = [" ".join(line.split()) for line in load_table(UNDER_LOAD, arguments([]))]
    assert lines[0] == "direct gateway envoy litellm"
    assert lines[1].startswith("calls/s, P99 + 1 ms at most 1000 ")
    assert lines[3].startswith("calls/s, P99 + 10 ms at most 4000 ")
    assert lines[4].startswith("of 512 streams, smooth 512 ")
    assert lines[5:] == ["CPU per token, us 40 40 40 40", "memory at their end, MiB 90 90 90 90"]


def test_the_table_has_a_column_for_each_target_and_what_it_adds() -> None:
    lines = table(figures(gateway=0.0005), arguments([]))
    assert lines[0].split() == ["direct", "gateway"]
    plain = next(line for line in lines if line.startswith("plain call, ms"))
    assert " ".join(plain.split()) == "plain call, ms 1 1.5"
    assert lines[2].endswith(" 0.5")
    assert any(line.split() == ["CPU", "per", "call:", "gateway,", "us", "0", "500"] for line in lines)


def test_the_worst_disturbance_is_reported() -> None:
    assert "used 40 % of a core" in disturbance({"others": 0.01, "others_beside_peers": 0.4})


def test_settings_in_the_developers_shell_do_not_reach_the_servers() -> None:
    inherited = {"PATH": "/bin", "LLM_API_KEYS": "secret", "RUNTIME_SLOTS": "1", "LITELLM_LOG": "DEBUG"}
    assert environment(inherited, {"LLM_MODEL": "m"}) == {"PATH": "/bin", "LLM_MODEL": "m"}
