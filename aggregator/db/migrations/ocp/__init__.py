"""Steps of the OCP chain: one a file, frozen; each spells its columns out."""
