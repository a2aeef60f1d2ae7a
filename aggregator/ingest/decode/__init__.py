"""From the bytes of a message to what the storage takes."""
