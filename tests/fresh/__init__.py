"""Checks of the first minutes: locks, set-up and the README's commands on fresh machines."""
