"""Report to prompt: region templates, strategies, sections."""

from radprompter.prompting.sections import choose_sections, split_sections
from radprompter.prompting.strategies import STRATEGIES
from radprompter.prompting.templates import Template, load_template
from radprompter.prompting.views import languages

__all__ = ["STRATEGIES", "Template", "choose_sections", "languages", "load_template", "split_sections"]
