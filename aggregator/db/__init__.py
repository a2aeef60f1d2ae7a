"""SQL storage: one module per aggregate, and the engine, pool and sessions below them."""
