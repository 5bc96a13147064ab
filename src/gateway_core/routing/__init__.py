"""Which model answers: wishes and configuration in, a candidate out."""
