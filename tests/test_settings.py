import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import Sampling
from dpo_tui.domain.sources import SamplingPlan, SourceSettings
from dpo_tui.errors import InputError
from dpo_tui.settings import (
    SETTINGS,
    Settings,
    api_key,
    place_of,
    read_config,
    resolve_settings,
    settings_of,
)
from dpo_tui.source_tables import EndpointSettings
from dpo_tui.values import Setting

from .prompts.strategies import TOML_SCALARS, tables

_VALUES: dict[str, list[object]] = {
    "base_url": ["http://a/v1", "http://b/v1", "http://c/v1", "http://d/v1"],
    "model": ["a", "b", "c", "d"],
    "api_key_env": ["A", "B", "C", "D"],
    "n": [2, 3, 5, 20],
    "sampling.temperature": [0.0, 0.5, 1.0, 1.5],
    "sampling.top_p": [0.1, 0.2, 0.3, 1.0],
    "sampling.max_tokens": [1, 2, 3, 4],
    "sampling.seed": [-1, 0, 1, 2**63 - 1],
    "sampling.stop": [["a"], ["b"], ["c"], ["d", "e"]],
    "output": [Path("/a"), Path("/b"), Path("/c"), Path("/d")],
    "ahead": [0, 1, 2, 4],
    "concurrency": [1, 2, 3, 256],
    "allow_cut_off": [True, False, True, False],
    "slow_link": [True, False, True, False],
    "shuffle": [True, False, True, False],
    "blind": [True, False, True, False],
    "show_lengths": [True, False, True, False],
    "near_duplicates": [0.0, 0.5, 0.75, 1.0],
    "reject_original": [True, False, True, False],
    "skipped": [True, False, True, False],
    "labels": [{"a": "x"}, {"b": ""}, {"a": "y", "b": "z"}, {}],
    "theme": ["a", "b", "c", "d"],
    "title": [True, False, True, False],
    "bell": [True, False, True, False],
    "bad_rows": [0.1, 0.2, 0.3, 0.0],
    "preferences": ["ignore", "suggest", "decide", "ignore"],
    "removed_pairs": ["keep", "drop", "keep", "drop"],
    "pairs": ["all", "best", "one", "3"],
    "best_over_chosen": [True, False, True, False],
    "live_format": ["swift", "trl", "openai", "axolotl"],
    "journal": ["wal", "truncate", "wal", "truncate"],
    "model_file": [Path("/a"), Path("/b"), Path("/c"), Path("/d")],
}


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property test."""
    return tmp_path_factory.mktemp("scratch")


def _value(settings: Settings, setting: Setting) -> object:
    owner = settings.sampling if setting.name.startswith("sampling.") else settings
    value = getattr(owner, setting.last_name)
    return list(value) if isinstance(value, tuple) else value


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _config(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


@given(
    st.sampled_from(SETTINGS),
    st.permutations(range(4)),
    st.tuples(*[st.booleans()] * 4),
    st.booleans(),
)
def test_the_first_source_that_speaks_counts(
    setting: Setting, order: list[int], speaks: tuple[bool, ...], spelled: bool
) -> None:
    flag, variable, prompts_file, config = (_VALUES[setting.name][index] for index in order)
    by_flag, by_variable, by_prompts, by_config = speaks
    by_flag, by_variable = by_flag and bool(setting.flag), by_variable and bool(setting.flag)
    given_flag = _spelled(flag) if spelled else flag
    settings = resolve_settings(
        {setting.last_name: given_flag if by_flag else None, "unrelated": 1},
        {setting.variable: _spelled(variable)} if by_variable else {setting.variable: ""},
        {setting.name: prompts_file} if by_prompts else {},
        {setting.name: config} if by_config else {},
    )
    said = [
        value
        for value, spoke in (
            (flag, by_flag),
            (variable, by_variable),
            (prompts_file, by_prompts),
            (config, by_config),
        )
        if spoke
    ]
    expected = said[0] if said else _value(Settings(), setting)
    assert _value(settings, setting) == expected


def test_defaults() -> None:
    assert resolve_settings({}, {}, {}, {}) == Settings(
        base_url=None,
        model=None,
        api_key_env="OPENAI_API_KEY",
        n=4,
        sampling=Sampling(max_tokens=1024),
        output=None,
        ahead=None,
        concurrency=8,
        allow_cut_off=False,
        slow_link=False,
        model_file=None,
    )


def test_every_setting_is_a_field_and_its_names_follow_one_rule() -> None:
    for setting in SETTINGS:
        _value(Settings(), setting)
        assert setting.flag in {"", "-n", f"--{setting.last_name.replace('_', '-')}"}
    assert {each.variable for each in SETTINGS if each.variable} == {
        "DPO_TUI_BASE_URL",
        "DPO_TUI_MODEL",
        "DPO_TUI_API_KEY_ENV",
        "DPO_TUI_N",
        "DPO_TUI_TEMPERATURE",
        "DPO_TUI_TOP_P",
        "DPO_TUI_MAX_TOKENS",
        "DPO_TUI_SEED",
        "DPO_TUI_OUTPUT",
        "DPO_TUI_AHEAD",
        "DPO_TUI_CONCURRENCY",
        "DPO_TUI_ALLOW_CUT_OFF",
        "DPO_TUI_SLOW_LINK",
        "DPO_TUI_SHUFFLE",
        "DPO_TUI_BLIND",
        "DPO_TUI_SHOW_LENGTHS",
        "DPO_TUI_NEAR_DUPLICATES",
        "DPO_TUI_REJECT_ORIGINAL",
        "DPO_TUI_SKIPPED",
        "DPO_TUI_THEME",
        "DPO_TUI_TITLE",
        "DPO_TUI_BELL",
        "DPO_TUI_REMOVED_PAIRS",
        "DPO_TUI_PAIRS",
        "DPO_TUI_BEST_OVER_CHOSEN",
        "DPO_TUI_LIVE_FORMAT",
        "DPO_TUI_BAD_ROWS",
        "DPO_TUI_PREFERENCES",
        "DPO_TUI_MODEL_FILE",
    }


def test_a_config_file_is_read(tmp_path: Path) -> None:
    path = _config(
        tmp_path,
        """
        base_url = "http://a/v1"
        allow_cut_off = true
        output = "out/pairs.jsonl"
        model_file = "/models/a.gguf"
        [sampling]
        temperature = 1
        stop = "END"
        [sampling.extra]
        top_k = 40
        nested = { a = [1, 2.5, "x", true] }
        """,
    )
    settings = resolve_settings({}, {}, {}, read_config(path))
    assert settings == Settings(
        base_url="http://a/v1",
        allow_cut_off=True,
        output=tmp_path / "out/pairs.jsonl",
        model_file=Path("/models/a.gguf"),
        sampling=Sampling(
            temperature=1.0,
            max_tokens=1024,
            stop=("END",),
            extra={"top_k": 40, "nested": {"a": [1, 2.5, "x", True]}},
        ),
    )
    assert json.dumps(settings.sampling.extra)


def test_extra_fields_of_both_files_go_together() -> None:
    settings = resolve_settings(
        {},
        {},
        {"sampling.extra.min_p": 0.1, "sampling.extra.top_k": 1},
        {"sampling.extra.top_k": 2, "sampling.extra.x": 3},
    )
    assert settings.sampling.extra == {"min_p": 0.1, "top_k": 1, "x": 3}


def test_an_extra_field_may_have_a_dot_in_its_name(tmp_path: Path) -> None:
    config = read_config(_config(tmp_path, '[sampling.extra]\n"a.b" = 1'))
    assert resolve_settings({}, {}, {}, config).sampling.extra == {"a.b": 1}


@pytest.mark.parametrize(
    "text", ['"sampling.seed" = 1', '"sampling.extra.x" = 1', '[sampling]\n"extra.x" = 1']
)
def test_a_dot_in_quotes_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="not a known key here"):
        read_config(_config(tmp_path, text))


@given(tables(TOML_SCALARS))
def test_any_config_file_is_settings_or_an_input_error(scratch: Path, table: Any) -> None:
    with suppress(InputError):
        config = read_config(_config(scratch, tomli_w.dumps(table)))
        assert 2 <= resolve_settings({}, {}, {}, config).n <= 20


def test_no_config_file_is_no_settings(tmp_path: Path) -> None:
    assert read_config(tmp_path / "config.toml") == {}


def test_paths_are_relative_to_who_says_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    in_file = read_config(_config(tmp_path, 'output = "a"\nmodel_file = "~/b"'))
    assert in_file == {"output": tmp_path / "a", "model_file": Path("/home/somebody/b")}
    settings = resolve_settings({"output": Path("c")}, {"DPO_TUI_MODEL_FILE": "~/d"}, {}, {})
    assert (settings.output, settings.model_file) == (Path("c"), Path("/home/somebody/d"))


@pytest.mark.parametrize(
    ("flags", "environ", "message"),
    [
        ({"n": "1"}, {}, "-n: expected a whole number, at least 2, found text '1'"),
        ({"top_p": 2.0}, {}, "--top-p: expected a number, at most 1.0, found 2.0"),
        ({"model": " "}, {}, "--model: expected text that isn't blank, found text ' '"),
        ({"output": ""}, {}, "--output: expected a path, found text ''"),
        ({"output": "a\0b"}, {}, "--output: expected a path, found text 'a\\x00b'"),
        ({"output": "~no-such-user-here/x"}, {}, "--output: expected a path"),
        ({"temperature": "hot"}, {}, "--temperature: expected a number, found text 'hot'"),
        ({}, {"DPO_TUI_N": "four"}, "DPO_TUI_N: expected a whole number, found text 'four'"),
        ({}, {"DPO_TUI_TEMPERATURE": "nan"}, "DPO_TUI_TEMPERATURE: expected a number, at least"),
        ({}, {"DPO_TUI_ALLOW_CUT_OFF": "yes"}, "DPO_TUI_ALLOW_CUT_OFF: expected true or false"),
        ({}, {"DPO_TUI_AHEAD": "-1"}, "DPO_TUI_AHEAD: expected a whole number, at least 0"),
        ({}, {"DPO_TUI_CONCURRENCY": "257"}, "expected a whole number, at most 256"),
        ({}, {"DPO_TUI_SEED": "\udcff"}, "DPO_TUI_SEED: holds half a surrogate pair"),
        ({}, {"DPO_TUI_SEED": "9" * 5000}, "DPO_TUI_SEED: Integer value out of range"),
    ],
)
def test_a_bad_flag_or_variable_is_told_by_its_name(
    flags: dict[str, object], environ: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        resolve_settings(flags, environ, {}, {})
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n = 1", "key n: expected a whole number, at least 2, found 1"),
        ('n = "4"', "key n: expected a whole number, found text '4'"),
        ('modle = "a"', "key modle: not a known key here\nDid you mean model?"),
        ("sampling = 3", "key sampling: expected a table, found 3"),
        ("[sampling]\nn = 4", "key sampling.n: not a known key here\nIt belongs at the top"),
        ("[sampling]\ntemprature = 4", "Did you mean sampling.temperature?"),
        ("[sampling]\ntemperature = inf", "key sampling.temperature: expected a number, at most"),
        ('[sampling]\nstop = ["a", 1]', "key sampling.stop, number 2: expected text, found 1"),
        ('[sampling]\nstop = ""', "key sampling.stop: expected text that isn't empty"),
        ("[sampling]\nextra = 1", "key sampling.extra: expected a table, found 1"),
        ("[sampling.extra]\nstream = true", "key sampling.extra.stream: not sent from"),
        ("[sampling.extra]\na = [1, nan]", "sampling.extra.a, number 2: expected a finite number"),
        ("[sampling.extra]\na = 1979-01-01", "key sampling.extra.a: expected a number or text"),
        ("[sampling.extra]\na = [{ api_key = 1 }]", "a, number 1, key api_key: an API key doesn't"),
        ('output = ""', "key output: expected a path, found text ''"),
        ("output = 1", "key output: expected text, found 1"),
        ("n = ", "not valid TOML"),
    ],
)
def test_a_bad_config_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = _config(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        'api_key = "sk-hush"',
        'api-key = "sk-hush"',
        'API_KEY = "sk-hush"',
        '[sampling]\napi_key = "sk-hush"',
        '[sampling.extra]\napi_key = "sk-hush"',
        '[sampling.extra]\nx.apiKey = "sk-hush"',
        'api_key_env = "sk-hush"',
        'api_key_env = ["sk-hush"]',
        'base_url = "http://user:sk-hush@host/v1"',
        'base_url = ["sk-hush"]',
        '[[endpoint]]\napi_key = "sk-hush"',
        '[[endpoint]]\nbase_url = "http://user:sk-hush@host/v1"',
        '[[endpoint]]\nbase_url = "a"\napi_key_env = "sk-hush"',
        '[[source]]\nextra = { api_key = "sk-hush" }',
    ],
)
def test_a_key_in_a_file_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_config(_config(tmp_path, text))
    assert "hush" not in str(caught.value)


@given(
    st.dictionaries(
        st.sampled_from([each.name for each in SETTINGS]), st.integers() | st.text() | st.floats()
    )
)
def test_any_flags_are_settings_or_an_input_error(values: dict[str, Any]) -> None:
    flags = {name.rpartition(".")[2]: value for name, value in values.items()}
    try:
        settings = resolve_settings(flags, {}, {}, {})
    except InputError:
        return
    assert 2 <= settings.n <= 20


_TWO_ENDPOINTS = """
[[endpoint]]
name = "old"
base_url = "http://a/v1"
model = "m1"
api_key_env = "KEY_A"
concurrency = 2
[[endpoint]]
base_url = "http://b/v1"
"""


def test_endpoints_take_what_they_leave_open_from_the_top(tmp_path: Path) -> None:
    text = f'model = "m"\nconcurrency = 5\napi_key_env = "KEY"\n{_TWO_ENDPOINTS}'
    settings = resolve_settings({}, {}, {}, read_config(_config(tmp_path, text)))
    assert settings.base_url is None
    assert settings.endpoints == (
        EndpointSettings("http://a/v1", "m1", "KEY_A", 2, "old"),
        EndpointSettings("http://b/v1", "m", "KEY", 5),
    )
    assert settings.named_endpoints == settings.endpoints
    first_key = api_key(settings.endpoints[0], {"KEY_A": "one", "KEY": "two"})
    assert first_key is not None
    assert first_key.reveal() == "one"


def test_one_base_url_is_the_short_form_of_one_endpoint() -> None:
    settings = resolve_settings({"base_url": "http://a/v1", "model": "m"}, {}, {}, {})
    assert settings.named_endpoints == (EndpointSettings("http://a/v1", "m", "OPENAI_API_KEY", 8),)
    assert resolve_settings({}, {}, {}, {}).named_endpoints == ()


def test_who_names_a_server_overrides_all_that_were_named_below(tmp_path: Path) -> None:
    tables = read_config(_config(tmp_path, _TWO_ENDPOINTS))
    single = {"base_url": "http://c/v1"}
    for settings in (
        resolve_settings(single, {}, tables, {}),
        resolve_settings({}, {"DPO_TUI_BASE_URL": "http://c/v1"}, tables, tables),
        resolve_settings({}, {}, single, tables),
    ):
        assert [each.base_url for each in settings.named_endpoints] == ["http://c/v1"]
        assert settings.endpoints == ()
    settings = resolve_settings({}, {}, tables, single)
    assert [each.base_url for each in settings.named_endpoints] == ["http://a/v1", "http://b/v1"]


def test_sources_are_read(tmp_path: Path) -> None:
    text = """
        n = 6
        [sampling]
        temperature = [0.2, 0.8]
        [[source]]
        name = "the old one"
        model = "m1"
        endpoint = "old"
        temperature = [0.1, 1]
        top_p = 0.9
        max_tokens = 5
        seed = 3
        stop = "END"
        extra = { min_p = 0.1 }
        count = 2
        [[source]]
        model = "m2"
        temperature = 0.5
        weight = 3
        [[source]]
    """
    config = read_config(_config(tmp_path, text + _TWO_ENDPOINTS))
    settings = resolve_settings({}, {}, {}, config)
    assert settings.plan == SamplingPlan(Sampling(max_tokens=1024), (0.2, 0.8))
    sampling = Sampling(top_p=0.9, max_tokens=5, seed=3, stop=("END",), extra={"min_p": 0.1})
    old = SourceSettings("the old one", "m1", "old", SamplingPlan(sampling, (0.1, 1.0)), count=2)
    new = SourceSettings(model="m2", plan=SamplingPlan(Sampling(temperature=0.5)), weight=3.0)
    assert settings.sources == (old, new, SourceSettings())
    on_one = resolve_settings({"base_url": "http://c/v1"}, {}, {}, config)
    assert [each.endpoint for each in on_one.sources] == [None, None, None]


def test_one_temperature_overrides_a_list() -> None:
    settings = resolve_settings({"temperature": "0.5"}, {}, {"sampling.temperature": [1.0]}, {})
    assert settings.plan == SamplingPlan(Sampling(temperature=0.5, max_tokens=1024))


def test_counts_alone_say_how_many_responses_there_are(tmp_path: Path) -> None:
    counted = read_config(_config(tmp_path, "[[source]]\ncount = 3\n[[source]]\ncount = 2\n"))
    assert resolve_settings({}, {}, counted, {"n": 4}).n == 5
    assert resolve_settings({"n": "5"}, {}, counted, {}).n == 5
    with pytest.raises(InputError, match=r"\[\[source\]\], key count: .* up to 5, but n is 4"):
        resolve_settings({"n": "4"}, {}, counted, {})
    one = read_config(_config(tmp_path, "[[source]]\ncount = 1\n"))
    with pytest.raises(InputError, match="add up to 1, expected 2 to 20"):
        resolve_settings({}, {}, one, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[endpoint]\nbase_url = "a"', "expected [[endpoint]], found [endpoint]\nUse two"),
        ("source = 3", "key source: expected a list, found 3"),
        ("source = [3]", "key source, number 1: expected a table, found 3"),
        ('[[endpoint]]\nmodel = "a"', "[[endpoint]] number 1: the key base_url is missing"),
        ('[[endpoint]]\nurl = "a"', "[[endpoint]] number 1, key url: not a known key here"),
        ('[[endpoint]]\nbase_ulr = "a"', "Did you mean base_url?"),
        ('base_url = "ftp://a"', "key base_url: expected a URL such as"),
        ('[[endpoint]]\nbase_url = "http://a:70000"', "number 1, key base_url: expected a URL"),
        ('[[endpoint]]\nbase_url = "http://a/v1?x=1"', "number 1, key base_url: expected a URL"),
        ('[[endpoint]]\nbase_url = "a"\nconcurrency = 0', "concurrency: expected a whole number"),
        ('[[source]]\n[[source]]\nmodle = "a"', "[[source]] number 2, key modle: not a known"),
        ("[[source]]\ncount = 0", "number 1, key count: expected a whole number, at least 1"),
        ("[[source]]\nweight = 0", "key weight: expected a number, more than 0"),
        ("[[source]]\nweight = 1\ncount = 1", "key weight: doesn't go together with count"),
        ("[[source]]\ntemperature = []", "key temperature: expected a list of length at least 1"),
        ('[[source]]\ntemperature = [0, "a"]', "key temperature, number 2: expected a number"),
        ("[[source]]\nextra = { n = 3 }", "[[source]] number 1, key extra.n: not sent from extra"),
        ("[[source]]\nextra = { a = nan }", "key extra.a: expected a finite number"),
        ("[sampling]\ntemperature = [-1]", "sampling.temperature, number 1: expected a number"),
        (
            '[[source]]\nname = "a"\n[[source]]\nname = "a"',
            "[[source]] number 2, key name: another [[source]] has the name 'a'",
        ),
        (
            'base_url = "http://a/v1"\n[[endpoint]]\nbase_url = "http://b/v1"',
            "key base_url: doesn't go together with [[endpoint]] tables",
        ),
        (
            f'{_TWO_ENDPOINTS}[[source]]\nendpoint = "new"',
            "key endpoint: no [[endpoint]] has the name 'new'\nNamed are: old.",
        ),
        (
            "[[source]]\ncount = 5\n[[source]]\nweight = 1",
            "[[source]], key count: the counts add up to 5, but n is 4",
        ),
    ],
)
def test_bad_endpoints_and_sources_are_told(tmp_path: Path, text: str, message: str) -> None:
    path = _config(tmp_path, text)
    with pytest.raises(InputError) as caught:
        resolve_settings({}, {}, {}, read_config(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_the_api_key_comes_from_the_named_variable() -> None:
    environ = {"OPENAI_API_KEY": "one", "OWN": " two\r\n", "EMPTY": " "}
    key = api_key(Settings(), environ)
    assert key is not None
    assert key.reveal() == "one"
    assert "one" not in repr(key)
    own = api_key(Settings(api_key_env="OWN"), environ)
    assert own is not None
    assert own.reveal() == "two"
    assert api_key(Settings(api_key_env="EMPTY"), environ) is None
    assert api_key(Settings(api_key_env="UNSET"), environ) is None


def test_keys_are_the_config_file_s_alone(tmp_path: Path) -> None:
    config = read_config(_config(tmp_path, 'n = 3\n[keys]\npreset = "vim"\nskip = ["S", "f2"]'))
    settings = resolve_settings({}, {}, {}, config)
    assert settings.keys == {"preset": "vim", "skip": ["S", "f2"]}
    assert settings.n == 3
    with pytest.raises(InputError, match="keys: not a known key here"):
        settings_of({"keys": {}}, tmp_path / "prompts.toml")


def test_keys_are_a_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config.toml: key keys: expected a table, found 3"):
        read_config(_config(tmp_path, "keys = 3"))


@pytest.mark.parametrize(
    ("flags", "environ", "files", "place"),
    [
        ({"theme": "x"}, {"DPO_TUI_THEME": "y"}, ("theme", "theme"), "--theme"),
        ({"theme": None}, {"DPO_TUI_THEME": "y"}, ("theme", "theme"), "DPO_TUI_THEME"),
        ({}, {"DPO_TUI_THEME": ""}, ("theme", "theme"), "prompts.toml: key theme"),
        ({}, {}, ("n", "theme"), "config.toml: key theme"),
        ({}, {}, ("n", "n"), "theme"),
    ],
)
def test_where_a_setting_was_said_is_known(
    flags: dict[str, object], environ: dict[str, str], files: tuple[str, str], place: str
) -> None:
    names = (Path("prompts.toml"), Path("config.toml"))
    said = [(path, {key: "z"}) for path, key in zip(names, files, strict=True)]
    assert place_of("theme", flags, environ, said).error("no").message == f"{place}: no"
