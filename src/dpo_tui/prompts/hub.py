"""Datasets of the Hugging Face hub, `hf:owner/name[:split]`, with the extra `hub`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dpo_tui.errors import DpoTuiError, InputError
from dpo_tui.paths import HUB
from dpo_tui.prompts.data import Data
from dpo_tui.prompts.forms.table import ENDINGS

_SPEC = re.compile(r"hf:(?P<repo>[^:/]+/[^:/]+)(?::(?P<split>[^:]+))?")
_DATA = re.compile(rf"(?!.*dataset_infos?\.json$).*({'|'.join(map(re.escape, ENDINGS))})(\.gz)?")
_USUAL_SPLIT = "train"
_LISTED = 12


def is_hub(path: str) -> bool:
    """Whether it means a dataset of the hub."""
    return path.startswith(HUB)


def hub_files(spec: str) -> list[Data]:
    """The files of a dataset's split, fetched into the hub's own cache, whose login is used.

    Without a split it is `train`, or all there is if no file is named so. If the hub can't be
    reached, the files are those that were fetched last.

    Raises:
        InputError: there is no such dataset or split, or the extra is missing.
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
    repo = match["repo"]
    try:
        names = HfApi().list_repo_files(repo, repo_type="dataset")
        chosen = _of_split(spec, names, match["split"])
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
            chosen = _of_split(spec, [*kept], match["split"])
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


def _of_split(spec: str, names: Sequence[str], split: str | None) -> list[str]:
    data = sorted(each for each in names if _DATA.fullmatch(each))
    wanted = re.compile(rf"(?:.*[/_.-])?{re.escape(split or _USUAL_SPLIT)}(?:[/_.-].*)")
    chosen = [each for each in data if wanted.fullmatch(each)]
    if not chosen and split is None:
        chosen = data
    if not chosen:
        listed = ", ".join(data[:_LISTED]) + (", ..." if len(data) > _LISTED else "")
        raise InputError(
            f"{spec}: no file of it is of the split {split!r}."
            if data
            else f"{spec}: has no files that can be read ({', '.join(ENDINGS)}).",
            remedy=f"There are: {listed}" if data else "",
        )
    return chosen
