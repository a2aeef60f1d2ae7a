"""Steps of the DVO chain: one a file, frozen; each spells its columns out."""
