"""Room on the disk of the data folder."""

import os
from pathlib import Path

from edgenode.cli.doctor.check import FAILURE, OK, WARNING, Check
from edgenode.cli.output import human_bytes

NAME = "disk"


def nearest_existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def check_disk(folder: Path, disk: os.statvfs_result, reserve_bytes: int) -> Check:
    """Judge the file system `disk` of `folder`, on which `reserve_bytes` are always left free."""
    free = disk.f_bavail * disk.f_frsize
    shown = f"{human_bytes(free)} free of {human_bytes(disk.f_blocks * disk.f_frsize)} at {folder}"
    if disk.f_flag & os.ST_RDONLY:
        return Check(
            NAME,
            FAILURE,
            f"{folder} is read-only",
            "an SD card that fails turns read-only: save what is on it, and replace it",
        )
    if disk.f_files and not disk.f_favail:
        return Check(NAME, FAILURE, f"no file can be made at {folder}", "delete files")
    room = "delete files, or move data_dir to a larger disk"
    if free <= reserve_bytes:
        return Check(NAME, FAILURE, f"{shown}: no more blocks are taken", room)
    if free < 2 * reserve_bytes:
        return Check(NAME, WARNING, f"{shown}: it will be full soon", room)
    return Check(NAME, OK, shown)
