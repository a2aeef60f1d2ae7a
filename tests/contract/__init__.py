"""The contract of storages, kept by each of them; its assertions explain themselves."""

import pytest

pytest.register_assert_rewrite("testing.contract")
