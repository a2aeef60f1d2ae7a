"""Black-box tests of any deployed instance, which know nothing but the contract."""
