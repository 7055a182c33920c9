"""The labeling of reports on its way: what is asked and when, who asks, what it costs, and what is told of it."""
