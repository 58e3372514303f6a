"""The Debian package in a booted trixie: installed, run, upgraded and removed."""
