"""The mutants: faults that the proxy puts into the answers of an instance."""
