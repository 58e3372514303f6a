from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgenode.cli.main import main
from tests.unit.cli import fake_node

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[fake_node.FakeNode]:
    folder = tmp_path / "data"
    folder.mkdir()
    with fake_node.running(folder) as node:
        yield node


@pytest.fixture
def command(node: fake_node.FakeNode, capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run a command on the node's data folder; gives exit code, standard output and error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["--data-dir", str(node.data_dir), *arguments])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run
