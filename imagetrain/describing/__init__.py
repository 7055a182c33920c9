"""What is said of a study beside its numbers: flow, prevalence, settings, facts for checklists, identity."""
