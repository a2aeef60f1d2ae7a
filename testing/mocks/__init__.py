"""Stand-ins for what is outside the process."""
