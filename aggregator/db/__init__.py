"""The SQL storage: one module an aggregate."""
