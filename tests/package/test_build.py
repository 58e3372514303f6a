"""The package itself: built twice alike, and without complaints of Debian's checkers."""

import hashlib
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.package.conftest import build
from tests.package.machine import unpack

pytestmark = pytest.mark.ci

CHECK_S = 120
PAGES = ("man1/edgenode.1", "man5/edgenode.toml.5", "man8/edgenode.8")

InRoot = Callable[[str], str]


@pytest.fixture(scope="module")
def in_root(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[InRoot]:
    """Run shell in a fresh root that has the checkers, the package and what is in it (in /x)."""
    root = tmp_path_factory.mktemp("root")
    unpack("build", root)
    for file in package.parent.glob("edgenode_*"):
        shutil.copy(file, root / "root")

    def run(script: str) -> str:
        inner = (
            f'mount -t proc proc "$1/proc"; cd /; exec chroot "$1" sh -euc {shlex.quote(script)}'
        )
        done = subprocess.run(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--net"),
                *("bash", "-euc", inner, "-", str(root)),
            ],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=CHECK_S,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    run(f"dpkg-deb --extract /root/{package.name} /x")
    yield run
    shutil.rmtree(root)


def test_two_builds_are_identical(package: Path, tmp_path: Path) -> None:
    first, second = (hashlib.sha256(p.read_bytes()) for p in (package, build(tmp_path)))
    assert first.hexdigest() == second.hexdigest()


def test_lintian_has_no_complaint(in_root: InRoot) -> None:
    said = in_root("cd /root && lintian --allow-root --fail-on error,warning *.changes")
    assert said.strip() == ""


def test_the_apparmor_profile_parses(in_root: InRoot) -> None:
    parse = "apparmor_parser --skip-kernel-load --skip-cache --base /etc/apparmor.d"
    in_root(f"{parse} /x/etc/apparmor.d/edgenode")
    spoiled = "sed 's/^  network inet stream,/  network inet strem,/' /x/etc/apparmor.d/edgenode"
    in_root(f"{spoiled} >/tmp/wrong; ! {parse} /tmp/wrong")


@pytest.mark.parametrize("page", PAGES)
def test_a_manual_page_renders_without_a_warning(in_root: InRoot, page: str) -> None:
    path = f"/x/usr/share/man/{page}.gz"
    assert in_root(f"zcat {path} | man --warnings -E UTF-8 -l - 2>&1 >/dev/null") == ""
    in_root(f"zcat {path} | mandoc -T lint -W warning")


def test_bash_completion_finds_ours(in_root: InRoot) -> None:
    script = (
        "cp /x/usr/share/bash-completion/completions/edgenode "
        "/usr/share/bash-completion/completions/; "
        "bash -c '. /usr/share/bash-completion/bash_completion; _comp_load edgenode; "
        "complete -p edgenode'"
    )
    assert in_root(script) == "complete -F _edgenode edgenode\n"


def test_what_is_installed_where(in_root: InRoot) -> None:
    found = set(in_root("cd /x && find . -type f -o -type l").split())
    wanted = {
        "./etc/apparmor.d/edgenode",
        "./etc/edgenode/edgenode.toml",
        "./usr/bin/edgenode",
        "./usr/lib/python3/dist-packages/edgenode/api/openapi.json",
        "./usr/lib/python3/dist-packages/edgenode/api/page/page.html",
        "./usr/lib/systemd/catalog/edgenode.catalog",
        "./usr/lib/systemd/system/edgenode.service",
        "./usr/lib/sysusers.d/edgenode.conf",
        "./usr/lib/tmpfiles.d/edgenode.conf",
        "./usr/share/bash-completion/completions/edgenode",
        "./usr/share/doc/edgenode/examples/usb-disk.conf",
    }
    assert wanted <= found
    strange = {path for path in found if path.startswith("./usr/lib/python3/dist-packages/")}
    assert all("dist-packages/edgenode" in path for path in strange), strange
