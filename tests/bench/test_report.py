"""The report of a run."""

from bench.options import arguments
from bench.report import disturbance, peer_findings, platform_findings, table
from bench.run import Figures
from bench.servers import environment


def figures(**added: float) -> Figures:
    """Make figures in which a direct call takes a millisecond, and the others the given seconds more."""
    found = Figures()
    for name, more in {"direct": 0.0, **added}.items():
        found.plain[name] = found.first_token[name] = found.lean_plain[name] = [[0.001 + more] * 5] * 3
        found.throughput[name] = [1000 / (1 + 1000 * more)] * 3
        found.used[name] = [{"client": 50e-6, "gateway": more}] * 3
        found.token_rate[name] = [6400.0] * 3
    return found


def test_the_platform_has_four_goals_and_the_peer_three_more() -> None:
    measured = figures(gateway=0.0005, litellm=0.020)
    options = arguments([])
    findings = platform_findings(measured, options) + peer_findings(measured, options)
    assert len(findings) == 7
    assert all(finding.met for finding in findings)


def test_the_table_has_a_column_for_each_target_and_what_it_adds() -> None:
    lines = table(figures(gateway=0.0005), arguments([]))
    assert lines[0].split() == ["direct", "gateway"]
    plain = next(line for line in lines if line.startswith("plain call, ms"))
    assert " ".join(plain.split()) == "plain call, ms 1 1.5"
    assert lines[2].endswith(" 0.5")
    assert any(line.split() == ["CPU", "per", "call:", "gateway,", "us", "0", "500"] for line in lines)


def test_the_worse_of_two_disturbances_is_reported() -> None:
    assert "used 40 % of a core" in disturbance({"others": 0.01, "others_beside_peer": 0.4})


def test_settings_in_the_developers_shell_do_not_reach_the_servers() -> None:
    inherited = {"PATH": "/bin", "LLM_API_KEYS": "secret", "RUNTIME_SLOTS": "1", "LITELLM_LOG": "DEBUG"}
    assert environment(inherited, {"LLM_MODEL": "m"}) == {"PATH": "/bin", "LLM_MODEL": "m"}
