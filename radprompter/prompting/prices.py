"""What requests would cost, from a price file; a model that the file does not name has no cost."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from radprompter.typed_yaml import Section, read_yaml, validate

PRICES = Path(__file__).parent / "prices.yaml"


class Price(Section):
    """What a model costs, in USD per million tokens."""

    input: float = Field(ge=0, description="USD per million prompt tokens")
    output: float = Field(ge=0, description="USD per million completion tokens")
    date: datetime.date = Field(description="when the price was looked up")
    source: str = Field(description="where the price stands")


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate in USD: of the prompts alone, and of prompts and the longest completions."""

    prompt_usd: float
    at_most_usd: float
    price: Price


def find_price(model: str, path: Path | None = None) -> Price | None:
    """The price of a model in a price file (the shipped one by default), or ``None`` where it has none.

    Raises
    ------
    RecipeError
        If the file is absent or one of its prices is wrong.
    """
    document = read_yaml(path or PRICES)
    prices = {name: validate(Price, document, within=(name,)) for name in document.data}
    return prices.get(model)


def cost(price: Price, prompt_tokens: int, max_completion_tokens: int) -> Cost:
    """What so many tokens cost."""
    prompt = price.input * prompt_tokens / 1_000_000
    return Cost(prompt, prompt + price.output * max_completion_tokens / 1_000_000, price)
