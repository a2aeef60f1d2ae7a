"""The REST API: one module an aggregate."""
