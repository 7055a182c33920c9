"""Batches to classifier: models, losses, the training loop, inference."""

import os

# Read when torch is first imported. Threads that wait by spinning make small steps up to six times slower as soon as
# anything else runs on the same cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
