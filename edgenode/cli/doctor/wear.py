"""How worn the flash storage is, where it says so (JEDEC eMMC 5.0; SD cards do not)."""

from pathlib import Path

from edgenode.cli.doctor.check import FAILURE, OK, WARNING, Check

NAME = "wear"
DEVICES = Path("/sys/block")

_PERCENT_A_STEP = 10
_WORN_OUT = 0x0B
"""More than the life that its maker has foreseen."""
_NEARLY = 0x09
"""80 to 90 % of it."""

_REMEDY = "save node.key and what else matters of the data folder, and replace the storage soon"


def check_wear(devices: Path = DEVICES) -> Check:
    """Look at all eMMC devices; the worst one counts."""
    steps: dict[str, int] = {}
    spare: dict[str, int] = {}
    for device in sorted(devices.glob("mmcblk*")):
        # Two kinds of memory in one device, of which the one that is used more counts.
        life = _numbers(device / "device" / "life_time")
        if any(life):  # 0: not defined
            steps[device.name] = max(life)
            spare[device.name] = max(_numbers(device / "device" / "pre_eol_info"), default=0)
    if not steps:
        return Check(NAME, OK, "no storage here tells how worn it is")
    name = max(steps, key=lambda name: (spare[name], steps[name]))
    upto = min(steps[name], _WORN_OUT - 1) * _PERCENT_A_STEP
    what = f"{name} has used up to {upto} % of its life"
    if spare[name] >= 3 or steps[name] >= _WORN_OUT:  # noqa: PLR2004 - pre_eol_info: urgent
        return Check(NAME, FAILURE, f"{name} is worn out", _REMEDY)
    if spare[name] == 2 or steps[name] >= _NEARLY:  # noqa: PLR2004 - pre_eol_info: warning
        return Check(NAME, WARNING, what, _REMEDY)
    return Check(NAME, OK, what)


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word, 16) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []
