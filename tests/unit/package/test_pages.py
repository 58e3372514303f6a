"""Manual pages: every command, option, setting and exit code is in them."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edgenode import __version__
from edgenode.cli import exits
from edgenode.daemon.config.records import meta
from edgenode.daemon.config.sections import BootstrapNode, Config
from edgenode.daemon.service import KEY_CREDENTIAL, TOKEN_CREDENTIAL
from scripts.pages.command_page import command_page
from scripts.pages.commands import commands
from scripts.pages.roff import escaped, prose
from scripts.pages.settings_page import settings_page

ROOT = Path(__file__).resolve().parents[3]
DATE = "2026-01-02"


def plain(page: str) -> str:
    """The page without the marks of troff."""
    text = re.sub(r"\\f[A-Z]", "", page)
    for mark, meant in ((r"\-", "-"), (r"\(ti", "~"), (r"\(dq", '"'), (r"\&", ""), (r"\e", "\\")):
        text = text.replace(mark, meant)
    return " ".join(text.split())


def test_every_command_is_there_with_its_options() -> None:
    page = command_page(DATE)
    assert "edgenode 0." in page.splitlines()[0]
    sections = dict(re.findall(r"^\.SS \\fB(.*?)\\fR(.*?)(?=^\.S[HS]|\Z)", page, re.M | re.S))
    named = [command for command in commands() if command.name and not command.commands]
    assert {plain(name) for name in sections} == {command.name for command in named}
    for command in named:
        text = plain(sections[escaped(command.name)])
        assert plain(prose(command.description)) in text
        for option in (*command.options, *command.arguments):
            if "--json" in option.option_strings or option in command.arguments:
                assert plain(prose(option.help or "")).lower() in text.lower()


def test_every_common_option_and_exit_code_is_there() -> None:
    page = plain(command_page(DATE))
    for option in commands()[0].options:
        assert all(spelled in page for spelled in option.option_strings)
    codes = [value for name, value in vars(exits).items() if isinstance(value, int)]
    for code in codes:
        assert re.search(rf"\.TP {code} [A-Z]", page), code


def test_every_setting_is_there_with_its_default_and_meaning() -> None:
    page = plain(settings_page(DATE))
    records: list[Any] = [Config, BootstrapNode]
    records += [found.default_factory for found in fields(Config) if meta(found).rule is None]
    for record in records:
        for found in fields(record):
            assert plain(prose(meta(found).doc)) in page, found.name
            assert found.name in page


@pytest.mark.parametrize("text", [".start", "'start", "a\\b", "back\n.line", 'say "x"', "a-b~c^d"])
def test_no_text_is_taken_for_a_request(text: str) -> None:
    for line in escaped(text).splitlines():
        assert not line.startswith((".", "'"))
    assert plain(escaped(text)).replace("\\(ha", "^") == " ".join(text.split())


def test_the_page_of_the_service_names_what_the_code_names() -> None:
    page = plain((ROOT / "man" / "edgenode.8").read_text())
    for name in (KEY_CREDENTIAL, TOKEN_CREDENTIAL, "state.db", "node.key", "operator.token"):
        assert name in page


def test_the_package_has_the_version_of_the_code() -> None:
    first = (ROOT / "debian" / "changelog").read_text().splitlines()[0]
    assert first.startswith(f"edgenode ({__version__}) trixie;")
