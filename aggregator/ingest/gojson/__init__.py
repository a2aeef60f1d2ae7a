"""JSON read as Go's encoding/json reads it."""
