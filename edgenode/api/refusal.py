"""A refusal that is sent before there is a request: the same problem details, by hand."""

from functools import cache

from edgenode.api.problems import Problem, problem_answer
from edgenode.api.traffic import EVERYWHERE

_REASONS = {
    400: "Bad Request",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
}


@cache  # as many as there are codes for it
def refusal(code: str) -> bytes:
    """Return the whole response of the problem `code`, after which the connection ends."""
    answer = problem_answer(Problem(code))
    assert isinstance(answer.body, bytes)
    headers = {
        **EVERYWHERE,
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body
