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
    check = (
        "new (require('better-sqlite3'))(':memory:');"
        "for (const name of ['express', 'ws', 'bonjour', 'nat-upnp']) require(name)"
    )
    done = subprocess.run(
        ["node", "-e", check], cwd=CACHE, capture_output=True, env=os.environ, check=False
    )
    return done.returncode == 0


def nginx(folder: Path, port: int) -> tuple[str, ...] | None:
    """Return the command of an nginx of one process that serves `folder`; None where it is missing.

    Its own files go there, too.
    """
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        return None
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;\n"
        "events {}\n"
        "http { access_log off; sendfile on; default_type application/octet-stream;"
        f" client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;"
        f" fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;"
        f" scgi_temp_path {folder}/scgi; keepalive_requests 1000000;"
        f" server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n"
    )
    return (program, "-c", str(config), "-p", str(folder))
