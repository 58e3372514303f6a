"""Completion by a real bash: what the command line takes, and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.pages.commands import commands, metavar
from scripts.pages.completion import VALUES, completion

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")

BLOCK = "ab" * 64
# As readline does it: words split at COMP_WORDBREAKS, of which `=` is one.
DRIVER = """
. "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
complete -p edgenode >/dev/null || exit 9
_edgenode
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "edgenode"
    path.write_text(completion())
    return path


def complete(script: Path, *words: str, folder: Path | None = None) -> set[str]:
    """What bash offers for the last of the words."""
    done = subprocess.run(
        ["bash", "--norc", "-uc", DRIVER, "-", script, "edgenode", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return {line for line in done.stdout.splitlines() if line}


def test_every_command_and_option_of_the_parser_is_offered(script: Path) -> None:
    for command in commands():
        words = command.name.split()
        options = {text for option in command.options for text in option.option_strings}
        assert complete(script, *words, "-") == options, command.name
        if command.commands:
            assert complete(script, *words, "") == set(command.commands)


def test_every_kind_of_value_is_known() -> None:
    named = {
        metavar(action)
        for command in commands()
        for action in (*command.options, *command.arguments)
    }
    assert named - {""} == set(VALUES)


def test_what_is_begun_is_completed(script: Path) -> None:
    assert complete(script, "he") == {"health"}
    assert complete(script, "config", "c") == {"check"}
    assert complete(script, "--data-dir", "/d", "--config", "/c", "sta") == {"status"}
    assert complete(script, "status", "--js") == {"--json"}
    assert complete(script, "id", "") == {"rotate"}
    assert complete(script, "temp", BLOCK, "") >= {"HOT", "auto"}
    assert complete(script, "temp", BLOCK, "HOT", "") == set()
    assert complete(script, "temp", "") == set(), "a block id cannot be guessed"
    assert complete(script, "nonsense", "x") == set()


def test_files_and_folders(script: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    both = {"a file", "a folder"}
    assert complete(script, "put", "a", folder=tmp_path) == both
    assert complete(script, "put", "one", "two", "a", folder=tmp_path) == both
    assert complete(script, "get", BLOCK, "-o", "a", folder=tmp_path) == both
    assert complete(script, "get", "a", folder=tmp_path) == set()
    assert complete(script, "import", "a", folder=tmp_path) == both
    assert complete(script, "--data-dir", "a", folder=tmp_path) == {"a folder"}
    assert complete(script, "--data-dir", "=", folder=tmp_path) == {"a folder"}
    assert complete(script, "--data-dir", "=", "a", folder=tmp_path) == {"a folder"}
    assert complete(script, "--data-dir", "=", "/d", "he") == {"health"}
