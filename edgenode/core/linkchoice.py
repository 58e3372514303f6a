"""Which of two links between the same two nodes stays. Both ends decide alike."""

REPLACE = "replace"  # the new link takes the place of the old one
REFUSE = "refuse"  # the old link stays, the new one is closed as a duplicate
PROBE = "probe"  # ask first whether the old link is alive: `after_probe` decides then


def dialled_by_lower(own_id: str, peer_id: str, dialled_by_us: bool) -> bool:
    """Tell whether the node with the lower nodeId dialled the link."""
    return dialled_by_us == (own_id < peer_id)


def choose(
    *, same_instance: bool, same_direction: bool, new_by_lower: bool, old_is_fresh: bool
) -> str:
    """Decide between an old link and a new one of the same peer.

    `same_instance`: both hellos show the same process. `same_direction`: the same side dialled
    both. `new_by_lower`: the lower nodeId dialled the new one. `old_is_fresh`: the old link has
    brought bytes within the last seconds, so it is alive for certain.
    """
    if same_instance and same_direction:
        # Its dialler has given up the old one, or he would not have dialled again.
        return REPLACE
    if same_instance and new_by_lower:
        return REPLACE
    if same_instance and old_is_fresh:
        return REFUSE
    # The old link may be dead without our knowing, and another instance may be the same node
    # after a restart, or a clone: only a living old link tells.
    return PROBE


def after_probe(*, same_instance: bool, old_alive: bool) -> "tuple[str, bool]":
    """Decide when the old link was probed: (`REPLACE` or `REFUSE`, whether there is a clone)."""
    if not old_alive:
        return REPLACE, False
    return REFUSE, not same_instance
