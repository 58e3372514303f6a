"""What the node costs, measured beside what it is compared with; `make bench` runs them all."""
