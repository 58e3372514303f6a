"""Whether the node is on the machine on which its data folder was begun."""

from pathlib import Path

from edgenode.cli.doctor.check import OK, WARNING, Check

NAME = "machine"


def check_machine(data_dir: Path, begun_here: bool | None) -> Check:
    """Judge what the folder remembers; None: nothing, or nothing that this user can see."""
    if begun_here is None:
        return Check(NAME, OK, "not remembered yet, or only its user and root can see it")
    if begun_here:
        return Check(NAME, OK, "the data folder was begun on this machine")
    return Check(
        NAME,
        WARNING,
        "the data folder was begun on another machine, where the same node may still run",
        f"if the node was moved, remove {data_dir / 'machine'}; if it was copied, stop one of "
        "the two and delete node.key in its data folder",
    )
