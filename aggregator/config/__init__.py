"""The configuration: options with their checks, where they come from, how text becomes values."""
