"""Report to reading without a model: the ConText-style labeler and its lexicons."""
