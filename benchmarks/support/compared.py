"""The processes that a node is measured beside."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
CACHE = BENCHMARKS.parent / ".cache" / "benchmarks-nodejs"

BARE_PYTHON = (sys.executable, "-c", "print('ready', flush=True); input()")
BARE_PACKAGES = (sys.executable, str(BENCHMARKS / "bare.py"))

INSTALL_TIMEOUT_S = 300


def install_nodejs() -> str | None:
    """Make the Node.js programs ready to run below CACHE; returns why not, None when they are."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node or npm is missing"
    CACHE.mkdir(parents=True, exist_ok=True)
    for source in (BENCHMARKS / "nodejs").iterdir():
        shutil.copy(source, CACHE / source.name)
    # A failed installation may leave the folder, but not a module that loads.
    if not _loads():
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund"],
            cwd=CACHE,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        if done.returncode or not _loads():
            last = (done.stderr.strip() or "no message").splitlines()[-1]
            return f"npm install failed: {last}"
    return None


def nodejs(program: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of a program of `nodejs/`, once installed."""
    return ("node", str(CACHE / program), *arguments)


def _loads() -> bool:
    check = "new (require('better-sqlite3'))(':memory:'); require('express'); require('ws')"
    done = subprocess.run(
        ["node", "-e", check], cwd=CACHE, capture_output=True, env=os.environ, check=False
    )
    return done.returncode == 0
