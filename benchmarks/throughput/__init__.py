"""What `train_throughput` measures: ways to feed a training step, and the step."""
