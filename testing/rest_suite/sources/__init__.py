"""Where data for the cases come from."""
