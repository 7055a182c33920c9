"""Five published systems: their printed numbers, and what follows from them."""
