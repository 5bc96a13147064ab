"""Small, real implementations that stand in for what lies outside a test."""
