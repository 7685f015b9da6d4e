"""What the next request asks for, and whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dpo_tui.domain.model import MAX_RESPONSES, Group
from dpo_tui.domain.sources import Recipe, SamplingPlan, SourceSettings, assign
from dpo_tui.service.endpoint import Endpoint
from dpo_tui.service.live import Live
from dpo_tui.service.worklist import Worklist, set_of

_LONG_PROMPT = 2_000
"""Characters from which a prompt's prefill is worth sharing: one request goes ahead."""


class Assignment(Struct, frozen=True):
    """One request: neighbouring slots of the set on screen, made in the same way."""

    group: Group
    lives: dict[int, Live]
    """By slot."""
    recipe: Recipe
    """With the seed of the first slot, if there is one."""
    endpoint: Endpoint


class Dispatcher:
    """Finds requests for what a group lacks."""

    def __init__(
        self,
        worklist: Worklist,
        endpoints: Sequence[Endpoint],
        plan: SamplingPlan,
        sources: Sequence[SourceSettings],
    ) -> None:
        self._worklist = worklist
        self._endpoints = endpoints
        self._plan = plan
        self._sources = sources

    def next_for(
        self, group: Group, busy: Collection[int], *, is_urgent: bool
    ) -> Assignment | None:
        """The next request for a group, to the least busy endpoint that can serve it.

        `busy` are the slots of its set on screen that need no request any more.
        """
        with_room = [each for each in self._endpoints if each.has_room(is_urgent=is_urgent)]
        if not with_room:
            return None
        recipes = self._recipes(group)
        for endpoint in sorted(with_room, key=lambda each: each.load):
            if slots := self._slots(group, busy, recipes, endpoint):
                return self._assignment(group, slots, recipes[slots.start], endpoint)
        return None

    def _recipes(self, group: Group) -> Sequence[Recipe]:
        """How every slot of the set on screen is to be made."""
        plan = SamplingPlan(group.prompt.sampling, group.prompt.temperatures)
        return assign(self._sources, self._worklist.size(group), self._plan, plan)

    def _slots(
        self, group: Group, busy: Collection[int], recipes: Sequence[Recipe], endpoint: Endpoint
    ) -> range:
        """A run of slots that one request to this endpoint can ask for; empty if there is none.

        Neighbours, because a server gives choice i the seed of choice 0 plus i.
        """
        free = [
            slot
            for slot in self._worklist.lacking(group)
            if slot not in busy and endpoint.serves(recipes[slot])
        ]
        if not free:
            return range(0)
        first, *others = free
        length = 1
        while (
            length < min(len(free), endpoint.concurrency)
            and others[length - 1] == first + length
            and recipes[first + length] == recipes[first]
        ):
            length += 1
        length = endpoint.client.choices_per_request(length)
        if length == 1 and busy and self._reads_a_long_prompt(group):
            return range(0)
        return range(first, first + length)

    def _reads_a_long_prompt(self, group: Group) -> bool:
        """Whether a request is about to compute a prefix that the others will find in the cache."""
        characters = sum(len(message.content) for message in group.prompt.messages)
        return characters >= _LONG_PROMPT and all(
            live.first_token is None for live in self._worklist.live(*set_of(group)).values()
        )

    def _assignment(
        self, group: Group, slots: range, recipe: Recipe, endpoint: Endpoint
    ) -> Assignment:
        lives = {slot: self._worklist.begin(group, slot) for slot in slots}
        if recipe.sampling.seed is not None:
            # Every set, and every response that takes the place of another, gets seeds of its own.
            lap = group.draft.set_no - 1 + lives[slots.start].replaces
            seed = recipe.sampling.seed + lap * MAX_RESPONSES + slots.start
            recipe = replace(recipe, sampling=replace(recipe.sampling, seed=seed))
        return Assignment(group, lives, recipe, endpoint)
