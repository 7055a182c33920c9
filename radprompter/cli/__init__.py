"""The `radprompter` command line: one file a subcommand, joined in `app`; the only place that prints."""
