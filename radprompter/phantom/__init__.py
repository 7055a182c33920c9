"""A synthetic study with known truth."""
