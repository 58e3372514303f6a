"""The settings: what they are, and how a file of them is read."""
