"""Configuration: options, their checks, sources (file, environment, Clowder) and parsing."""
