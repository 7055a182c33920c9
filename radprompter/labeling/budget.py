"""What a run may cost in failures and in money before it stops."""

from __future__ import annotations

from dataclasses import dataclass

from radprompter.errors import BudgetError, RecipeError
from radprompter.labeling.tally import Tally
from radprompter.prompting.prices import Price, cost, find_price
from radprompter.recipe import Budget

JUDGED_AFTER = 50
"""Requests that must have been sent before the share of those that failed says anything."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The budget of a run, with the price of its model where there is one."""

    budget: Budget
    price: Price | None = None

    @classmethod
    def of(cls, budget: Budget, model: str | None) -> Limits:
        """The limits of a recipe whose backend asks a model.

        Raises
        ------
        RecipeError
            If money is to be counted and the price file has no price for the model.
        """
        price = find_price(model, budget.prices) if model else None
        if budget.spend_usd is not None and price is None:
            raise RecipeError(
                f"label.budget.spend_usd: the price file has no price for {model or 'this backend'!r}; "
                "name a file that has one as label.budget.prices, or take spend_usd away"
            )
        return cls(budget, price)

    def spent_usd(self, tally: Tally) -> float | None:
        """What the requests that were sent cost, cached tokens at the full price; ``None`` without a price."""
        if self.price is None:
            return None
        return cost(self.price, tally.spent.prompt, tally.spent.completion).at_most_usd

    def check(self, tally: Tally) -> None:
        """Nothing, while the run is within its budget.

        Raises
        ------
        BudgetError
            If too many requests failed, or the money is spent.
        """
        n_failed = tally.n_faults.total()
        most = self.budget.failed_share
        if most is not None and tally.n_asked >= JUDGED_AFTER and n_failed > most * tally.n_asked:
            kinds = ", ".join(f"{kind} {number:,}" for kind, number in tally.n_faults.most_common())
            raise BudgetError(
                f"stopped: {n_failed:,} of {tally.n_asked:,} requests failed ({kinds}), more than "
                f"label.budget.failed_share ({most:g}) allows; what was answered is kept: mend the cause, "
                "then run the same command to go on"
            )
        spent = self.spent_usd(tally)
        if self.budget.spend_usd is not None and spent is not None and spent >= self.budget.spend_usd:
            raise BudgetError(
                f"stopped: {tally.n_asked:,} requests cost about ${spent:,.2f}, and label.budget.spend_usd is "
                f"${self.budget.spend_usd:,.2f} a run; what was answered is kept: run the same command to go on"
            )
