"""Companies' endpoints: one file or one row each."""
