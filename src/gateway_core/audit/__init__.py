"""Who did what, and why it was refused: a record that can be asked later."""
