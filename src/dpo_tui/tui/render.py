"""From plain values to styled lines: pure, so that a line can be tested without a screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from textual.content import Content

from dpo_tui.display import display_line
from dpo_tui.domain.model import Progress
from dpo_tui.errors import DpoTuiError
from dpo_tui.service.endpoint import EndpointStatus, Health
from dpo_tui.service.sheet import Sheet
from dpo_tui.tui.typeset import Span
from dpo_tui.words import duration, plural

_DOT = " · "

_HEALTH: dict[Health, Span] = {
    Health.UP: ("●", "$text-success"),
    Health.BUSY: ("◐ busy", "$text-warning"),
    Health.DOWN: ("○ down", "bold $text-error"),
    Health.STOPPED: ("✖ stopped", "bold $text-error"),
}


def session_line(
    *,
    name: str,
    sheet: Sheet | None,
    progress: Progress,
    pace: float | None,
    eta: float | None,
    ready_ahead: int | None,
    endpoints: Sequence[EndpointStatus],
    width: int,
) -> list[Span]:
    """The top line: what fits of it, the most important parts first."""
    muted = "$foreground-muted"
    if sheet is None:
        at = "done"
    else:
        at = f"{sheet.position + 1:,}/{progress.total:,}" if sheet.position >= 0 else "removed"
    left = [(9, display_line(name), "bold $text-primary"), (0, at, "bold")]
    if sheet and sheet.set_count > 1:
        left.append((1, f"set {sheet.set_index + 1} of {sheet.set_count}", "$text-accent"))
    if sheet and sheet.verdict:
        left.append((1, f"decided: {sheet.verdict}", "bold $text-accent"))
    left += [
        (3, f"{progress.confirmed:,} confirmed", muted),
        (4, f"{progress.skipped:,} skipped", muted),
        (7, f"{progress.left:,} left", muted),
        (2, plural(progress.pairs, "pair"), muted),
    ]
    if pace is not None:
        left.append((8, f"{duration(pace)} a group", muted))
    if eta is not None and progress.left:
        left.append((6, f"{duration(eta)} to go", muted))
    if ready_ahead is not None:
        left.append((5, f"{ready_ahead} ahead", muted))
    right = _endpoint_parts(endpoints, max(10, width // 4))
    return _fit(left, right, width)


def remarks_line(sheet: Sheet | None) -> list[Span]:
    """What the annotator has said of the group besides the marks; empty if nothing."""
    if sheet is None:
        return []
    parts: list[Span] = []
    if sheet.flagged:
        parts.append(("⚑ flagged", "bold $text-warning"))
    if sheet.changed:
        parts.append(("changed since it was decided: a confirm decides it again", "$text-warning"))
    if sheet.tie:
        parts.append(("= the chosen ones are equally good", "$text-accent"))
    if sheet.strength:
        parts.append((f"strength {sheet.strength} of 3", "$text-accent"))
    if sheet.labels:
        parts.append((display_line(", ".join(sheet.labels)), "$text-secondary"))
    if sheet.note:
        parts.append((f"“{display_line(sheet.note)}”", "$foreground-muted"))
    return dotted(parts)


def _endpoint_parts(endpoints: Sequence[EndpointStatus], width: int) -> list[Span]:
    """The one endpoint, or how many of several are well."""
    if not endpoints:
        return [("no server needed", "$foreground-muted")]
    worst = max((each.health for each in endpoints), key=list(_HEALTH).index)
    up = sum(each.health is Health.UP for each in endpoints)
    symbol, style = _HEALTH[worst]
    if len(endpoints) > 1:
        name = f"{up} of {len(endpoints)} servers up"
    else:
        model = Content(display_line(endpoints[0].model.rsplit("/", 1)[-1]))
        name = model.truncate(width, ellipsis=True).plain
    return [(symbol, style), (" ", ""), (name, "$foreground-muted")]


def _fit(left: Sequence[tuple[int, str, str]], right: list[Span], width: int) -> list[Span]:
    """Join parts with dots between, the last ones by priority left out until the line fits."""
    kept = list(left)
    room = width - sum(cell_len(text) for text, _ in right)
    while True:
        gap = room - sum(cell_len(text) for _, text, _ in kept) - cell_len(_DOT) * (len(kept) - 1)
        if gap >= 2 or len(kept) == 1:
            break
        kept.remove(max(kept, key=lambda each: each[0]))
    return [*dotted([(text, style) for _, text, style in kept]), (" " * max(1, gap), ""), *right]


def dotted(parts: Iterable[Span]) -> list[Span]:
    """Parts of a line with dots between them."""
    return [each for part in parts for each in ((_DOT, "$foreground-disabled"), part)][1:]


def error_words(error: DpoTuiError) -> str:
    """What happened and what to do next, for one line."""
    return _DOT.join(filter(None, (error.message.removesuffix("."), error.remedy)))


def trouble_lines(endpoints: Sequence[EndpointStatus], trouble: DpoTuiError | None) -> list[Span]:
    """What a person should know or mend now; empty when all is well."""
    parts: list[Span] = []
    if trouble:
        parts.append((display_line(error_words(trouble)), "bold $text-error"))
    for endpoint in endpoints:
        if endpoint.health is not Health.UP:
            style = "$text-warning" if endpoint.health is Health.BUSY else "$text-error"
            parts.append((display_line(endpoint.words), style))
    return [each for part in parts for each in (("\n", ""), part)][1:]
