"""What `phantom_study` is made of: the study, labels with flips, what came out, and its figure."""
