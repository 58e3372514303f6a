"""Every locked package has a ready-made wheel where edgenode is used: nothing is compiled there."""

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

LOCKS = Path(__file__).parents[2] / "requirements"

# glibc versions (2.x) whose wheels Debian bookworm (2.36) can load; the old names are aliases.
GLIBC = range(5, 37)
ALIASES = {
    "x86_64": ("manylinux1", "manylinux2010", "manylinux2014"),
    "aarch64": ("manylinux2014",),
}


def lock_for(lock: Path, python: str, machine: str) -> str:
    """The lock without markers: only what they choose for that Python on that machine."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.2",
        "platform_machine": machine,
    }
    chosen = []
    for entry in lock.read_text().replace("\\\n", " ").splitlines():
        if not entry or entry.startswith("#"):
            continue
        requirement, *hashes = entry.split(" --hash=")
        parsed = Requirement(requirement.strip())
        if parsed.marker is None or parsed.marker.evaluate(environment):
            parsed.marker = None
            chosen.append(" --hash=".join([str(parsed), *(digest.strip() for digest in hashes)]))
    return "\n".join(chosen)


@pytest.mark.ci
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("lock", ["run", "dev", "build"])
def test_every_locked_package_has_a_wheel(
    lock: str, python: str, machine: str, tmp_path: Path
) -> None:
    wanted = tmp_path / "lock"
    wanted.write_text(lock_for(LOCKS / f"{lock}.lock", python, machine))
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC]
    platforms += [f"{alias}_{machine}" for alias in ALIASES[machine]]
    result = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        + ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python]
        + [f"--platform={platform}" for platform in platforms]
        + ["--dest", str(tmp_path / "wheels"), "--requirement", str(wanted)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
