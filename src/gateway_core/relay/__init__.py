"""The one loop between a product and a model."""
