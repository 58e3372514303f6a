"""`DATA_DIR/run.json`: where the running node is to be found."""

import json
import os
from pathlib import Path

NAME = "run.json"


def write_run_file(data_dir: Path, *, node_id: str, http_port: int, ws_port: int) -> None:
    """Write the file, whole or not at all."""
    content = {"pid": os.getpid(), "nodeId": node_id, "httpPort": http_port, "wsPort": ws_port}
    temporary = data_dir / (NAME + ".new")
    temporary.write_text(json.dumps(content) + "\n")
    temporary.replace(data_dir / NAME)


def remove_run_file(data_dir: Path) -> None:
    """Remove the file when the node stops."""
    (data_dir / NAME).unlink(missing_ok=True)
