"""What is said of blocks: told, taken, judged, compared."""
