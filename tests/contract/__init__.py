"""The contract of storages, kept by each of them; its assertions explain themselves."""
