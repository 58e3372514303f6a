"""Being reachable, and meeting those who are not."""
