"""Which groups are wanted, and how far their responses have come: plain state, no task, no I/O.

Nothing is generated twice: a slot has a stored response, or is on its way, or is lacking.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from dpo_tui.domain.model import Group, Response
from dpo_tui.service.live import Live


class Place(NamedTuple):
    """The address of a response."""

    group_id: int
    set_no: int
    slot: int


def set_of(group: Group) -> tuple[int, int]:
    """The address of the set that is on screen, or would be."""
    return group.id, group.draft.set_no


def with_response(group: Group, response: Response) -> Group:
    """The group after a response was stored; the same one if it isn't its own."""
    if response.group_id != group.id:
        return group
    key = (response.set_no, response.slot)
    others = [each for each in group.responses if (each.set_no, each.slot) != key]
    ordered = sorted([*others, response], key=lambda each: (each.set_no, each.slot))
    return replace(group, responses=tuple(ordered))


class Worklist:
    """The groups that are wanted, the most urgent one first, as far as they have come."""

    def __init__(self, n: int) -> None:
        self.groups: list[Group] = []
        self._n = n
        """Responses per prompt, where the prompt doesn't say."""
        self._live: dict[Place, Live] = {}
        self._wanted_sizes: dict[tuple[int, int], int] = {}
        """Sizes of sets that the person wanted larger than the settings say."""

    def size(self, group: Group) -> int:
        """How many responses the set on screen has or will have."""
        stored = max((each.slot + 1 for each in group.shown()), default=0)
        wanted = self._wanted_sizes.get(set_of(group), 0)
        return max(stored, wanted, self.asked(group))

    def asked(self, group: Group) -> int:
        """How many responses the set on screen was meant to have before one was added."""
        if group.prompt.responses and group.draft.set_no == 1:
            return len(group.prompt.responses)
        return group.prompt.n or self._n

    def live(self, group_id: int, set_no: int) -> Mapping[int, Live]:
        """By slot, the responses of a set that haven't ended."""
        return {
            place.slot: live
            for place, live in self._live.items()
            if place[:2] == (group_id, set_no)
        }

    def lacking(self, group: Group) -> Iterator[int]:
        """Slots of the set on screen without an ended response, or with one to be replaced."""
        ended = {each.slot for each in group.shown()}
        for slot in range(self.size(group)):
            if slot not in ended or Place(*set_of(group), slot) in self._live:
                yield slot

    def is_complete(self, group: Group) -> bool:
        """Whether every response of the set on screen has ended."""
        return next(self.lacking(group), None) is None

    @property
    def ready_ahead(self) -> int:
        """How many groups behind the first one are complete."""
        ready = 0
        for group in self.groups[1:]:
            if not self.is_complete(group):
                break
            ready += 1
        return ready

    def cover(self, groups: Sequence[Group]) -> None:
        """These are wanted."""
        self.groups = list(groups)

    def begin(self, group: Group, slot: int) -> Live:
        """A request is about to go out for a slot of the set on screen."""
        return self._live.setdefault(Place(*set_of(group), slot), Live())

    def retry(self, response: Response) -> None:
        """Another attempt at a response is wanted."""
        place = Place(response.group_id, response.set_no, response.slot)
        self._live.setdefault(place, Live(replaces=response.id))

    def extend(self, group: Group) -> None:
        """One more response is wanted in the set on screen."""
        self._wanted_sizes[set_of(group)] = self.size(group) + 1

    def adopt(self, response: Response) -> None:
        """Take in a response that is on disk."""
        self._live.pop(Place(response.group_id, response.set_no, response.slot), None)
        self.groups = [with_response(group, response) for group in self.groups]

    def forget_unwanted(self, under_way: Collection[tuple[int, int]]) -> None:
        """Drop what was begun for sets that nobody wants, unless it is under way."""
        kept = {set_of(group) for group in self.groups}.union(under_way)
        self._live = {place: live for place, live in self._live.items() if place[:2] in kept}
