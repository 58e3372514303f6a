"""SOAP as UPnP has it: a call's text, and what an answer says.

UPnP Device Architecture 1.1, sections 3.1 and 3.2. Namespaces are not looked at, so that SOAP 1.2
and what gateways make of both are understood.
"""

from typing import NamedTuple

from edgenode.reach.igd.xmlscan import START, TEXT, BadXml, escape, scan, unescape

# Of the answers used here none has more; a longer value is none of an address, number or name.
MAX_VALUES = 32
MAX_VALUE_CHARS = 256

# "Action Failed": what is meant by a fault that has no code of its own.
ACTION_FAILED = 501

_ENVELOPE = (
    '<?xml version="1.0"?>\r\n'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
    "{}</s:Body></s:Envelope>\r\n"
)
_LEAF_DEPTH = 4  # Envelope, Body, the response, the value
_MAX_CODE_DIGITS = 4


class Answer(NamedTuple):
    """What a gateway has answered: values by name, and the UPnP error code, 0 for none."""

    values: dict[str, str]
    fault: int


def call(service_type: str, action: str, arguments: list[tuple[str, str]]) -> bytes:
    """Give the body of a call; the arguments in the order that the service declares."""
    inner = _elements(arguments)
    return _ENVELOPE.format(f'<u:{action} xmlns:u="{service_type}">{inner}</u:{action}>').encode()


def write_answer(answer: Answer) -> bytes:
    """Give `answer` as the plainest text that says it."""
    if answer.fault:
        inner = (
            "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
            f"<UPnPError><errorCode>{answer.fault}</errorCode></UPnPError></detail></s:Fault>"
        )
    else:
        inner = f"<u:Response>{_elements(list(answer.values.items()))}</u:Response>"
    return _ENVELOPE.format(inner).encode()


def read_answer(body: bytes) -> Answer:
    """Read the body of an answer; raises `BadXml` where it is no answer to a call."""
    values: dict[str, str] = {}
    path: list[str] = []
    text = ""
    fault = 0
    answered = False
    for event, data in scan(body):
        if event == TEXT:
            text += data
            continue
        if event == START:
            path.append(data)
            answered = answered or (len(path) == _LEAF_DEPTH - 1 and path[:2] == _BODY)
            if answered and path[2:] == ["Fault"]:
                fault = ACTION_FAILED
        else:
            if fault and data == "errorCode":
                fault = _code(unescape(text))
            elif len(path) == _LEAF_DEPTH and path[:2] == _BODY and len(values) < MAX_VALUES:
                value = unescape(text)
                if len(value) <= MAX_VALUE_CHARS:
                    values.setdefault(data, value)
            path.pop()
        text = ""
    if not answered:
        raise BadXml("no answer to a call")
    return Answer({}, fault) if fault else Answer(values, 0)


_BODY = ["Envelope", "Body"]


def _code(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_CODE_DIGITS):
        return ACTION_FAILED
    return int(text) or ACTION_FAILED


def _elements(pairs: list[tuple[str, str]]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in pairs)
