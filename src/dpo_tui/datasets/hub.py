"""Sending files to a dataset of the Hugging Face hub; needs huggingface_hub (the extra `hub`)."""

from __future__ import annotations

from pathlib import Path

from dpo_tui.errors import DpoTuiError, InputError

CARD = "README.md"


def send_folder(folder: Path, repo: str, *, public: bool, keep_card: bool) -> str:
    """Make all files of a folder the newest state of a dataset's files; returns its address.

    The repository is made if there is none, for its owner alone unless it is to be `public`. What
    else is in it stays, and with `keep_card` so does a card that is there already. The token is
    that of the hub's own login (`hf auth login`, or HF_TOKEN).

    Raises:
        InputError: the library is not installed, or the name is no name of a repository.
        DpoTuiError: the hub refused or can't be reached; nothing was changed then, but for an empty
            repository that may have been made.
    """
    try:
        from huggingface_hub import HfApi, errors  # noqa: PLC0415 - an extra, and heavy
    except ImportError:
        raise InputError(
            "push needs huggingface_hub, which is not installed.",
            remedy="pip install 'dpo-tui[hub]'",
        ) from None
    api = HfApi(library_name="dpo-tui")
    try:
        made = api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
        name = made.repo_id
        keeps = keep_card and api.file_exists(name, CARD, repo_type="dataset")
        api.upload_folder(
            repo_id=name,
            folder_path=folder,
            repo_type="dataset",
            commit_message="Add pairs labelled with dpo-tui",
            ignore_patterns=[CARD] if keeps else None,
        )
    except errors.HFValidationError as error:
        raise InputError(f"{repo}: is no name of a dataset: {error}") from error
    except errors.LocalTokenNotFoundError as error:
        raise DpoTuiError(
            "the hub doesn't know you.", remedy="Log in with: hf auth login, or set HF_TOKEN."
        ) from error
    except Exception as error:  # those of whichever HTTP library the hub's uses
        raise DpoTuiError(
            f"{repo}: can't be sent to the hub: {error}",
            remedy="Check the name, your rights (hf auth whoami) and the connection.",
        ) from error
    return str(made)
