"""The commands beside the service: one module a command."""
