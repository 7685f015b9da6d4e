"""How the cards of a group lie: in which order, which have ended, which stand for others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from dpo_tui.domain.labelling import is_usable
from dpo_tui.domain.model import Group, Origin, Response
from dpo_tui.domain.order import card_order
from dpo_tui.service.twins import Twins

OWN = frozenset({Origin.EDITED, Origin.WRITTEN})
"""Where responses come from that an annotator has typed."""


class Arrangement(Struct, frozen=True):
    """The set on screen, as far as it has come."""

    order: Sequence[int]
    """Slots as their cards are shown."""
    ended: Sequence[Response]
    """The responses that have ended and aren't about to be replaced, in the order shown."""
    usable: Mapping[int, Response]
    """Those of them that can be sides of pairs, by slot, in the order shown; copies too."""
    copies: Mapping[int, int]
    """By the slot of each usable response that repeats an earlier one, the slot of that one."""

    def number(self, slot: int) -> int:
        """The number of a slot's card, from 1."""
        return self.order.index(slot) + 1

    def response(self, slot: int) -> Response | None:
        """The ended response of a slot."""
        return next((each for each in self.ended if each.slot == slot), None)

    @property
    def judged(self) -> Sequence[int]:
        """Slots of the usable ones, copies left out."""
        return [slot for slot in self.usable if slot not in self.copies]


def arrange(
    group: Group,
    live: Collection[int],
    size: int,
    asked: int,
    *,
    seed: str | None,
    allow_cut_off: bool,
    twins: Twins,
) -> Arrangement:
    """Arrange the set on screen.

    `live` has the slots that are on their way; `size` is how many there are or will be, `asked` how
    many there were meant to be before one was added. Without a `seed`, slots are in their order.
    """
    shown = {each.slot: each for each in group.shown()}
    order: Sequence[int] = range(size)
    if seed is not None:
        own = {slot for slot, each in shown.items() if each.completion.source.origin in OWN}
        shuffled = [slot for slot in range(min(asked, size)) if slot not in own]
        order = card_order(seed, shuffled, set(range(size)).difference(shuffled))
    ended = [shown[slot] for slot in order if slot in shown and slot not in live]
    usable = [each for each in ended if is_usable(each.completion, allow_cut_off=allow_cut_off)]
    return Arrangement(order, ended, {each.slot: each for each in usable}, twins.copies(usable))
