"""What every storage of an aggregate must do, as tests that take `storage`."""
