"""Datasets of the Hugging Face hub, `hf:owner/name[:split]`, with the extra `hub`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from dpo_tui.errors import DpoTuiError, InputError
from dpo_tui.paths import HUB
from dpo_tui.prompts.data import Data
from dpo_tui.prompts.forms.table import ENDINGS

_SPEC = re.compile(r"hf:(?P<repo>[^:/]+/[^:/]+)(?::(?P<split>[^:]+))?")
_ENDING = rf"({'|'.join(map(re.escape, ENDINGS))})(\.gz)?"
_DATA = re.compile(rf"(?!.*dataset_infos?\.json$).*{_ENDING}")
_PART = re.compile(rf"([-_.]\d+([-_]of[-_]\d+([-_][\da-f]+)?)?)?{_ENDING}$")
"""The end of a file's name, with its number among those that hold one table."""
_USUAL_SPLIT = "train"
_LISTED = 12


def is_hub(path: str) -> bool:
    """Whether it means a dataset of the hub."""
    return path.startswith(HUB)


def hub_files(spec: str) -> list[Data]:
    """The files of a dataset's split, fetched into the hub's own cache, whose login is used.

    A split is one table, in one file or in several that are numbered; its folder tells it from
    another of the same name: `preference/train`. Without a split it is `train`, or all there is if
    no file is named so. If the hub can't be reached, the files are those that were fetched last.

    Raises:
        InputError: there is no such dataset or split, or several, or the extra is missing.
        DpoTuiError: the hub can't be reached.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise InputError(f"{spec}: expected hf:owner/name or hf:owner/name:split")
    try:
        from huggingface_hub import HfApi, hf_hub_download  # noqa: PLC0415 - an extra, and heavy
        from huggingface_hub.errors import (  # noqa: PLC0415
            GatedRepoError,
            HFValidationError,
            RepositoryNotFoundError,
        )
    except ImportError:
        raise InputError(
            f"{spec}: reading from the hub needs huggingface_hub.",
            remedy="Install it with: pip install 'dpo-tui[hub]'",
        ) from None
    repo, split = match["repo"], match["split"]
    try:
        names = HfApi().list_repo_files(repo, repo_type="dataset")
        chosen = _of_split(repo, names, split)
        paths = [Path(hf_hub_download(repo, each, repo_type="dataset")) for each in chosen]
    except InputError:
        raise
    except GatedRepoError as error:
        raise InputError(
            f"{spec}: this dataset is open only to those who asked for it.",
            remedy=f"Ask on its page, then log in with: hf auth login\n{error}",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise InputError(
            f"{spec}: there is no such dataset, or you may not see it.",
            remedy="Check the name; for a private one, log in with: hf auth login",
        ) from error
    except Exception as error:  # those of whichever HTTP library the hub's uses
        if kept := _kept(repo):
            chosen = _of_split(repo, [*kept], split)
            return [Data(kept[each], f"{HUB}{repo}/{each}") for each in chosen]
        raise DpoTuiError(
            f"{spec}: can't be fetched: {error}",
            remedy="Check the connection; what was fetched before is kept for the next try.",
        ) from error
    return [Data(path, f"{HUB}{repo}/{name}") for path, name in zip(paths, chosen, strict=True)]


def _kept(repo: str) -> dict[str, Path]:
    """The files of a dataset that were fetched last, by name; none if there never were any."""
    from huggingface_hub import scan_cache_dir  # noqa: PLC0415 - an extra, and heavy
    from huggingface_hub.errors import CacheNotFound  # noqa: PLC0415

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return {}
    revisions = [
        revision
        for each in repos
        if (each.repo_id, each.repo_type) == (repo, "dataset")
        for revision in each.revisions
    ]
    if not revisions:
        return {}
    newest = max(revisions, key=lambda each: each.last_modified)
    paths = (each.file_path for each in newest.files)
    return {each.relative_to(newest.snapshot_path).as_posix(): each for each in paths}


def _of_split(repo: str, names: Sequence[str], split: str | None) -> list[str]:
    spec = f"{HUB}{repo}" + (f":{split}" if split else "")
    data = sorted(each for each in names if _DATA.fullmatch(each))
    chosen = _named(data, split or _USUAL_SPLIT)
    if not chosen and split is None:
        chosen = data
    elif len(tables := sorted({*map(_table, chosen)})) > 1:
        raise InputError(
            f"{spec}: {len(tables)} tables of it could be meant.",
            remedy=f"Say which: {_listed([f'{HUB}{repo}:{each}' for each in tables])}",
        )
    if not chosen:
        raise InputError(
            f"{spec}: no file of it is of the split {split!r}."
            if data
            else f"{spec}: has no files that can be read ({', '.join(ENDINGS)}).",
            remedy=f"There are: {_listed(data)}" if data else "",
        )
    return chosen


def _named(data: Sequence[str], split: str) -> list[str]:
    """The files of the table of this name, else of those in any folder, else of what has it in."""
    within = re.compile(rf"(?:.*[/_.-])?{re.escape(split)}[/_.-].*")
    ways: tuple[Callable[[str], object], ...] = (
        lambda name: _table(name) == split,
        lambda name: _table(name).endswith(f"/{split}"),
        within.fullmatch,
    )
    return next(filter(None, ([*filter(way, data)] for way in ways)), [])


def _table(name: str) -> str:
    """What a file is called without its number among those that hold one table."""
    return _PART.sub("", name)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
