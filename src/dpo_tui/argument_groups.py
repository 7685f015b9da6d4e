"""Arguments in groups: those that several commands take, and those that `annotate` adds."""

from __future__ import annotations

from argparse import Action, ArgumentParser, BooleanOptionalAction, _ArgumentGroup
from pathlib import Path

from dpo_tui.completion import FILE


def completes_files(argument: Action) -> None:
    """Let shells complete an argument with the names of files; argparse leaves that to others."""
    argument.complete = FILE  # type: ignore[attr-defined]


def add_work_arguments(command: ArgumentParser) -> None:
    """The arguments of the commands that open a session and ask a server."""
    prompts = command.add_argument(
        "prompts",
        type=Path,
        metavar="PROMPTS",
        help="a file (.toml, .jsonl, .json, .csv, .tsv, .parquet, .txt; lines also as .gz), "
        "hf:owner/name[:split], or - for standard input",
    )
    completes_files(prompts)
    server = add_server_arguments(command)
    server.add_argument(
        "--local",
        action="store_true",
        help="start a small model of its own (needs the extra 'local')",
    )
    server.add_argument(
        "--model-file", metavar="GGUF", help="model for --local (default: the packaged one)"
    )
    sampling = command.add_argument_group("responses")
    sampling.add_argument("-n", metavar="N", help="responses per prompt, 2 to 20 (default 4)")
    sampling.add_argument("--temperature", metavar="T", help="default: the server's")
    sampling.add_argument("--top-p", metavar="P", help="default: the server's")
    sampling.add_argument("--max-tokens", metavar="N", help="per response (default 1024)")
    sampling.add_argument("--seed", metavar="N", help="response i is sampled with seed + i")
    sampling.add_argument(
        "--allow-cut-off",
        action="store_true",
        default=None,
        help="let responses that hit the token limit become part of pairs",
    )
    sampling.add_argument(
        "--ahead",
        metavar="N",
        help="groups to generate ahead of you (default: by your pace and the server's)",
    )
    sampling.add_argument(
        "--concurrency", metavar="N", help="completions to keep the server busy with (default 8)"
    )
    rows = add_rows_arguments(command)
    rows.add_argument(
        "--preferences",
        metavar="ignore|suggest|decide",
        help="what becomes of preferences in them: nothing (the default), marks that you see, or "
        "decisions of an annotator named after the file",
    )
    files = command.add_argument_group("files")
    files.add_argument(
        "--output",
        metavar="PATH",
        help="the dataset (default PROMPTS.dpo.jsonl beside PROMPTS; each further annotator gets "
        "PROMPTS.NAME.dpo.jsonl)",
    )
    files.add_argument(
        "--session", metavar="NAME|PATH", help="another session than the one of this prompts file"
    )
    files.add_argument(
        "--live-format", metavar="F", help="form of the dataset, as `export` names them (swift)"
    )
    add_pair_arguments(files)
    files.add_argument("--annotator", metavar="NAME", help="who decides (default: your user name)")
    files.add_argument(
        "--removed-pairs",
        metavar="keep|drop",
        help="what becomes of the pairs of prompts that leave PROMPTS (default keep)",
    )
    files.add_argument(
        "--allow-loader",
        action="store_true",
        help="run the loader that PROMPTS names, now and until its file changes",
    )
    files.add_argument(
        "--fresh",
        action="store_true",
        help="start over in a new session; the old one stays beside it",
    )


def add_judging_arguments(annotate: ArgumentParser) -> None:
    """What is shown of responses, and in which order."""
    judging = annotate.add_argument_group("judging")
    judging.add_argument(
        "--shuffle",
        action=BooleanOptionalAction,
        help="show cards in an order by chance (default)",
    )
    judging.add_argument(
        "--blind",
        action=BooleanOptionalAction,
        help="hide who made a response until you have decided (default: if there are several)",
    )
    judging.add_argument(
        "--show-lengths",
        action=BooleanOptionalAction,
        help="show token counts before you have decided (default)",
    )
    judging.add_argument(
        "--near-duplicates",
        metavar="S",
        help="similarity from which on responses count as nearly the same, 0 to 1 (default 0.9)",
    )
    judging.add_argument(
        "--reject-original",
        action=BooleanOptionalAction,
        help="mark a response that you edit as rejected",
    )
    judging.add_argument(
        "--skipped",
        action="store_true",
        default=None,
        help="let skipped groups come back once all others are decided",
    )


def add_screen_arguments(annotate: ArgumentParser) -> None:
    """How the screen looks, and when it says something."""
    screen = annotate.add_argument_group("screen")
    screen.add_argument(
        "--slow-link",
        action="store_true",
        default=None,
        help="repaint half as often and in 256 colours",
    )
    screen.add_argument(
        "--theme",
        metavar="NAME",
        help="the colours: dpo-dark, dpo-light, dpo-16, or one of Textual's",
    )
    screen.add_argument(
        "--title", metavar="true|false", help="say in the terminal's title what is labelled"
    )
    screen.add_argument(
        "--bell",
        action="store_true",
        default=None,
        help="ring when the group that you wait for is complete, or a server goes down",
    )


def add_server_arguments(command: ArgumentParser) -> _ArgumentGroup:
    """The arguments that say which server and model to ask."""
    server = command.add_argument_group(
        "server",
        "Without --base-url, the usual ports of this machine are looked at: vLLM 8000, SGLang "
        "30000, llama.cpp 8080, LM Studio 1234, Ollama 11434, TGI 3000.",
    )
    server.add_argument("--base-url", metavar="URL", help="OpenAI-compatible, usually ends in /v1")
    server.add_argument("--model", metavar="NAME", help="default: the only one that there is")
    server.add_argument(
        "--api-key-env",
        metavar="NAME",
        help="environment variable that holds the API key (default OPENAI_API_KEY)",
    )
    return server


def add_rows_arguments(command: ArgumentParser) -> _ArgumentGroup:
    """The arguments that say how rows of other people's files are read."""
    rows = command.add_argument_group("rows of other formats")
    rows.add_argument(
        "--from", dest="from_", metavar="FORMAT", help="what they are (default: found out)"
    )
    rows.add_argument(
        "--columns",
        metavar="NAME=COLUMN,...",
        help="or which columns they have: prompt, system, responses (several with +) and better or "
        "scores (as many with +), chosen and rejected, reference, id",
    )
    rows.add_argument(
        "--bad-rows", metavar="SHARE", help="how many may be of no use, 0 to 1 (default 0.05)"
    )
    return rows


def add_session_arguments(command: ArgumentParser) -> None:
    """The arguments of the commands that look after one session."""
    prompts = command.add_argument(
        "prompts",
        nargs="?",
        type=Path,
        metavar="PROMPTS|SESSION",
        help="the prompts file of the session, or the session itself (name or path)",
    )
    completes_files(prompts)
    command.add_argument("--session", metavar="NAME|PATH", help="the session")


def add_pair_arguments(group: _ArgumentGroup) -> None:
    """Which pairs a group gives."""
    add_pairs_argument(group)
    group.add_argument(
        "--best-over-chosen",
        action="store_true",
        default=None,
        help="pair the best response with the other chosen ones too",
    )


def add_pairs_argument(group: _ArgumentGroup) -> None:
    """Which pairs a group gives, where none of the chosen ones is the best."""
    group.add_argument(
        "--pairs",
        metavar="all|best|one|N",
        help="every chosen x rejected response (default); the best x every rejected one; one pair "
        "a group, its sides drawn where several are as good; at most N",
    )


def add_export_arguments(command: ArgumentParser, default: str = "swift") -> None:
    """What becomes of the decisions."""
    command.add_argument("--format", default=default, metavar="F", help=f"default {default}")
    rows = command.add_argument_group("rows")
    rows.add_argument(
        "--annotator", metavar="NAME|all", help="default: you, if you have decided anything"
    )
    rows.add_argument(
        "--since", metavar="DATE", help="only what was decided then or later, as in 2026-01-31"
    )
    rows.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="only prompts with one of these"
    )
    rows.add_argument(
        "--test-size",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="keep this share of the prompts apart, as in 0.05; never near-identical ones on both "
        "sides",
    )
    rows.add_argument("--shuffle", action="store_true", help="in an order drawn by the seed")
    rows.add_argument("--seed", type=int, default=0, metavar="N", help="of all lots (default 0)")
    rows.add_argument(
        "--meta", action="store_true", help="add a column with where each row comes from, as JSON"
    )
    add_pair_arguments(rows)
    rows.add_argument(
        "--allow-cut-off",
        action="store_true",
        default=None,
        help="let responses that hit the token limit be part of pairs",
    )
    add_check_arguments(command)


def add_check_arguments(command: ArgumentParser) -> None:
    """What is worth a warning."""
    checks = command.add_argument_group("warnings")
    checks.add_argument(
        "--max-length", type=int, default=1024, metavar="N", help="tokens that your trainer reads"
    )
    checks.add_argument(
        "--tokenizer",
        type=Path,
        metavar="FILE",
        help="tokenizer.json to count with (extra 'tokenizers'); else lengths are estimated",
    )
