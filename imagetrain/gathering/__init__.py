"""What an evaluation reads: predictions or scores, references of other tables and schemas, attributes of studies."""
