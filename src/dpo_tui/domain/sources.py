"""Several sources in one group: which of them makes which response, and with what sampling."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct, field
from msgspec.structs import replace

from dpo_tui.domain.model import Sampling


class SamplingPlan(Struct, frozen=True):
    """Sampling in which the temperature may differ from response to response."""

    sampling: Sampling = field(default_factory=Sampling)
    temperatures: tuple[float, ...] = ()
    """Response i gets number i of them, beginning anew after the last; empty: `sampling` counts."""

    def at(self, index: int) -> Sampling:
        """The sampling of one response."""
        if not self.temperatures:
            return self.sampling
        temperature = self.temperatures[index % len(self.temperatures)]
        return replace(self.sampling, temperature=temperature)


class SourceSettings(Struct, frozen=True):
    """One `[[source]]`: where a part of every group comes from."""

    name: str | None = None
    """For people."""
    model: str | None = None
    """Which model to ask; `None`: whatever its endpoint is set to."""
    endpoint: str | None = None
    """The `name` of the endpoint to ask; `None`: any that serves the model."""
    plan: SamplingPlan = field(default_factory=SamplingPlan)
    """What it overrides of the session's sampling; its temperatures go over its own responses."""
    count: int | None = None
    """How many responses of each group it makes, exactly."""
    weight: float = 1.0
    """Without a count: its share, beside the others' weights, of what the counts leave."""


class Recipe(Struct, frozen=True):
    """How one response is to be made.

    Neighbours whose recipes are equal may be choices of one request: `sampling.seed` is the
    session's, and the slot is still to be added to it.
    """

    model: str | None
    """`None`: whatever the endpoint is set to."""
    endpoint: str | None
    """The name of the endpoint; `None`: any that serves the model."""
    sampling: Sampling


def assign(
    sources: Sequence[SourceSettings],
    n: int,
    session: SamplingPlan,
    prompt: SamplingPlan | None = None,
) -> tuple[Recipe, ...]:
    """The recipe of every slot of a group of `n`: those of the first source, then of the next.

    The prompt's sampling wins over the source's, and that over the session's. No sources is one
    that leaves everything open.
    """
    sources = sources or (SourceSettings(),)
    prompt = prompt or SamplingPlan()
    recipes: list[Recipe] = []
    for source, share in zip(sources, shares(sources, n), strict=True):
        for index in range(share):
            slot = len(recipes)
            sampling = prompt.at(slot).over(source.plan.at(index)).over(session.at(slot))
            recipes.append(Recipe(source.model, source.endpoint, sampling))
    return tuple(recipes)


def shares(sources: Sequence[SourceSettings], n: int) -> list[int]:
    """How many of `n` responses each source makes; there is at least one source.

    Counts come first, in order, until `n` is used up (a prompt can have an `n` of its own). The
    weights share what is left, by largest remainder; of equal remainders the earlier source's
    wins. Where no source has a weight, the counts are taken for weights.
    """
    left = n
    counts = []
    for source in sources:
        counts.append(min(source.count or 0, left))
        left -= counts[-1]
    weights = [Fraction(0 if each.count else each.weight) for each in sources]
    if not any(weights):
        weights = [Fraction(each.count or 0) for each in sources]
    quotas = [left * weight / sum(weights) for weight in weights]
    floors = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(sources)), key=lambda index: floors[index] - quotas[index])
    for index in by_remainder[: left - sum(floors)]:
        floors[index] += 1
    return [count + floor for count, floor in zip(counts, floors, strict=True)]
