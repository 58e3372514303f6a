"""A repository made by `make repo`, used by apt itself over HTTP on loopback."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.machine import PROJECT, CommandError, Machine

pytestmark = pytest.mark.ci

PORT = 8000
URL = f"http://127.0.0.1:{PORT}/edgenode"
# Ours alone: Debian's cannot be reached from there, and what apt knows of it stays.
OURS = "-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/root/parts"
UPDATE = f"update {OURS} -o APT::Get::List-Cleanup=0 --error-on=any"


def add(folder: Path, package: Path, key: Path) -> None:
    command = [str(PROJECT / "scripts" / "repo"), URL, str(folder / "edgenode"), str(package)]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "EDGENODE_REPO_KEY": str(key)}
    subprocess.run(command, env=environment, check=True)


@pytest.fixture(scope="module")
def repository(
    tmp_path_factory: pytest.TempPathFactory, package: Path, newer_package: Path
) -> Path:
    """A folder that a web server shows: the repository with one version, then with both."""
    folder = tmp_path_factory.mktemp("served")
    key = tmp_path_factory.mktemp("key")
    for deb in (package, newer_package):
        add(folder, deb, key)
    return folder


@pytest.fixture(scope="module")
def reached(machine: Machine, repository: Path) -> Iterator[Machine]:
    """The machine, with the repository on its own loopback and set up as its page says."""
    server = subprocess.Popen(
        [
            *("nsenter", "-t", str(machine.init), "-n", "--", sys.executable, "-u"),
            *("-m", "http.server", "--bind", "127.0.0.1"),
            *("--directory", str(repository), str(PORT)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert server.stdout is not None
        assert b"Serving HTTP" in server.stdout.readline()
        machine.run("mkdir -p /etc/apt/keyrings /root/parts")
        shutil.copy(repository / "edgenode" / "edgenode.pgp", machine.root / "etc/apt/keyrings")
        shutil.copy(repository / "edgenode" / "edgenode.sources", machine.root / "root/parts")
        machine.apt(UPDATE)
        yield machine
    finally:
        server.terminate()
        server.communicate()


def test_apt_installs_a_chosen_version_and_upgrades_from_it(reached: Machine) -> None:
    reached.run("cp /root/parts/edgenode.sources /etc/apt/sources.list.d/")
    reached.apt("install edgenode=0.1.0")
    reached.run("systemctl start edgenode")
    policy = reached.run("apt-cache policy edgenode")
    assert "Installed: 0.1.0" in policy
    assert "Candidate: 99.0" in policy
    assert URL in policy
    reached.apt("upgrade")
    assert "Installed: 99.0" in reached.run("apt-cache policy edgenode")
    assert reached.property("ActiveState") == "active"


def update(machine: Machine) -> None:
    """Fetch all anew: what was changed within a second would not be asked for again."""
    machine.run("rm -rf /var/lib/apt/lists/127*")
    machine.apt(UPDATE)


def test_what_was_altered_or_signed_by_another_is_refused(
    reached: Machine, repository: Path, newer_package: Path, tmp_path: Path
) -> None:
    release = repository / "edgenode" / "dists" / "trixie" / "InRelease"
    packages = release.parent / "main" / "binary-amd64" / "Packages"
    good, listed = release.read_text(), packages.read_text()
    assert "Label: edgenode" in good
    release.write_text(good.replace("Label: edgenode", "Label: evil"))
    with pytest.raises(CommandError, match=r"(?i)signature|verif"):
        update(reached)
    release.write_text(good)
    tampered = listed.replace("Version: 99.0", "Version: 99.9")
    assert tampered != listed
    packages.write_text(tampered)
    compressed = packages.with_name("Packages.xz")
    kept = compressed.read_bytes()
    subprocess.run(["xz", "--force", "--keep", packages], check=True)
    with pytest.raises(CommandError, match=r"unexpected size|Hash Sum mismatch"):
        update(reached)
    packages.write_text(listed)
    compressed.write_bytes(kept)
    update(reached)

    add(repository, newer_package, tmp_path / "another-key")
    with pytest.raises(CommandError, match=r"(?i)signature|verif|key"):
        update(reached)
