"""Report to prompt: region templates, strategies, sections."""
