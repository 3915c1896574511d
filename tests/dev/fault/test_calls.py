"""The load of a drill tells whole answers, errors and broken ones apart."""

import pytest

from dev.fault.calls import Call, judge_body

ERROR = '{"error": {"code": "runtime_error", "message": "it stopped"}}'


@pytest.mark.parametrize(
    ("status", "stream", "content", "code", "cut"),
    [
        (200, True, '{"response": "a", "done": false}\n{"done": true}\n', "", False),
        (200, False, '{"response": "a", "done": true}', "", False),
        (200, True, '{"response": "a", "done": false}\n' + ERROR, "runtime_error", False),
        (502, False, ERROR, "runtime_error", False),
        (200, True, '{"response": "a", "done": false}\n', "", True),
        (200, True, '{"response": "a", "do', "", True),
        (200, True, "", "", True),
        (200, False, "{}", "", True),
        (503, False, "{}", "no_error_body", False),
    ],
)
def test_a_body_is_whole_or_has_an_error_or_is_cut(
    status: int, stream: bool, content: str, code: str, cut: bool
) -> None:
    call = Call(0.0, "clients", stream, status=status)
    judge_body(call, content)
    assert (call.code, call.cut) == (code, cut)
    assert call.ok == (status == 200 and not code and not cut)
