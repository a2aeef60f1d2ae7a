"""Files of an export: formats, destinations, and the manifest of what is complete."""
