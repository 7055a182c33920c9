"""Every run against every reference: what a classifier seems to be worth depends on who says what is right."""
