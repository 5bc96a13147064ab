"""How a model is asked for code: one file for each way."""
