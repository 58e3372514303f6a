"""Text for man(7) pages."""

import re


def escaped(text: str) -> str:
    """Return plain text so that troff prints it as it stands."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE).replace('"', "\\(dq")


def prose(text: str) -> str:
    """Return running text on one line for each sentence, words joined by `-` left as such."""
    plain = " ".join(text.split())
    lines = re.sub(r"(?<=[.:;?!]) (?=[A-Z])", "\n", plain)
    return escaped(lines).replace("\\-", "-")


def bold(text: str) -> str:
    """Return text to be typed as it stands."""
    return f"\\fB{escaped(text)}\\fR"


def italic(text: str) -> str:
    """Return text that stands for something else."""
    return f"\\fI{escaped(text)}\\fR"


def item(head: str, body: str) -> str:
    """Return an item with its explanation, indented; `head` and `body` are troff already."""
    return f".TP\n{head}\n{body}"


def literal(text: str) -> str:
    """Return lines to be shown as they stand, indented."""
    return f".RS 4\n.nf\n{escaped(text)}\n.fi\n.RE"


def heading(name: str, section: int, date: str, version: str, manual: str) -> str:
    """Return the first line of a page."""
    return f'.TH {name.upper()} {section} "{date}" "edgenode {version}" "{manual}"'
