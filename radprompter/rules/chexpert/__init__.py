"""The order and the quirks of the CheXpert labeler, with words of our own."""
