"""The file of settings: what it may say, and where a message points when it may not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prune_tui.settings import config_file
from prune_tui.settings.config_file import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def wrong(file: Path, text: str) -> list[str]:
    """What is said about a file, without its folder."""
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        config_file.read(file)
    return [problem.replace(f"{file.parent}/", "") for problem in raised.value.problems]


def test_without_a_file_nothing_is_said(file: Path) -> None:
    config = config_file.read(file)
    assert config.values == {}
    assert config.keys == {}


def test_settings_know_their_lines(file: Path) -> None:
    file.write_text('# mine\ntheme = "light"\n\nascii = true\n')
    config = config_file.read(file)
    assert config.values == {"theme": ("light", f"{file}:2"), "ascii": (True, f"{file}:4")}


def test_keys_are_named_in_quotation_marks_or_without_one_or_several(file: Path) -> None:
    file.write_text('[keys]\n"app.quit" = "Q"\nsteps.undo = [\n  "u",\n  "ctrl+u",\n]\n"app.log" = []\n')
    config = config_file.read(file)
    assert {name: own.keys for name, own in config.keys.items()} == {
        "app.quit": ("Q",),
        "steps.undo": ("u", "ctrl+u"),
        "app.log": (),
    }
    assert config.keys["app.quit"].where == f"{file}:2"
    assert config.keys["steps.undo"].where == f"{file}:6"


ODD = (
    '# ] is no bracket here, nor """ a quotation mark',
    "[keys.app] # [",
    'quit = """\\',
    '  Q""" # of several lines',
    "leave = [ # ]",
    "  ']', '''",
    '\'\'\', """"]\\"""""",',
    '  "\\"]",',
    "]",
    "[keys]",
    'steps = { undo = \'u\', "redo" = "\'" }',
    '"a\u2028b" = "#"',
    "last.one = 'x'",
)


def test_a_line_is_that_in_which_a_value_ends_whatever_stands_in_it(file: Path) -> None:
    for ends in ("\n", "\r\n"):
        file.write_bytes(ends.join(ODD).encode())
        found = config_file.read(file).keys
        assert {name: own.where.rpartition(":")[2] for name, own in found.items()} == {
            "app.quit": "4", "app.leave": "9", "steps.undo": "11", "steps.redo": "11", "a\u2028b": "12",
            "last.one": "13",
        }  # fmt: skip


def test_a_long_file_is_read_no_more_often_than_a_short_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once per line, 2,000 lines would hold up the first screen by a second."""
    read: list[int] = []
    loads = config_file.tomllib.loads

    def counted(text: str) -> dict[str, object]:
        read.append(len(text))
        return loads(text)

    monkeypatch.setattr(config_file.tomllib, "loads", counted)
    for lines in (10, 1000):
        text = "# a comment\n" * lines + "[keys]\n" + 'a = [\n "x",\n "y",\n]\n'
        file.write_text(text)
        assert config_file.read(file).keys["a"].where == f"{file}:{lines + 5}"
        assert sum(read) <= 2 * len(text)
        read.clear()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('them = "dark"\n', ['config.toml:1: there is no setting "them"; did you mean "theme"?']),
        ("\n\nxyzzy = 1\n", ['config.toml:3: there is no setting "xyzzy"']),
        ('"a\\u001b[2J" = 1\n', ['config.toml:1: there is no setting "a\\x1b[2J"']),
        ("[key]\n", ['config.toml:1: there is no setting "key"; did you mean "keys"?']),
        (
            'theme = "pink"\nascii = "yes"\n',
            [
                'config.toml:1: theme is "pink"; it must be dark, light, ansi, ansi-light, colour-blind or'
                " colour-blind-light",
                'config.toml:2: ascii is "yes"; it must be true or false',
            ],
        ),
        ("mouse = 1\n", ["config.toml:1: mouse is 1; it must be true or false"]),
        ("device = true\n", ["config.toml:1: device is true; it must be a text"]),
        ("keys = 3\n", ['config.toml:1: keys is 3; write a table: [keys], then "app.quit" = "Q"']),
        (
            '[keys]\n"app.quit" = 3\n',
            ['config.toml:2: app.quit is 3; it must be a key or a list of them: ["u", "f10"]'],
        ),
    ],
)
def test_what_is_wrong_names_its_line_and_all_of_it_is_told(file: Path, text: str, said: list[str]) -> None:
    assert wrong(file, text) == said


@pytest.mark.parametrize(
    ("text", "line"),
    [("theme = \n", 1), ('ascii = true\ntheme "light"\n', 2), ('theme = "li', 1), ("a = 1\na = 2\n", 2)],
)
def test_what_is_no_toml_names_its_line(file: Path, text: str, line: int) -> None:
    (said,) = wrong(file, text)
    assert said.startswith(f"config.toml:{line}: this is not TOML: ")


def test_a_file_that_is_no_text(file: Path) -> None:
    file.write_bytes(b"theme = 'dark'\n# \xff\n")
    with pytest.raises(ConfigError, match=r"config.toml:2: this is not UTF-8"):
        config_file.read(file)


def test_a_folder_in_its_place(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigError, match=r"config.toml cannot be read: Is a directory"):
        config_file.read(file)


def test_a_file_without_end() -> None:
    with pytest.raises(ConfigError, match=r"/dev/zero has more than 1000000 bytes"):
        config_file.read(Path("/dev/zero"))


def test_a_device_that_ends_at_once_says_nothing() -> None:
    assert config_file.read(Path("/dev/null")).values == {}


@pytest.mark.timeout(10)
def test_nobody_waits_for_a_pipe(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(ConfigError, match=r"config.toml is a pipe or a terminal; settings are read from a file"):
        config_file.read(file)


@pytest.mark.timeout(10)
def test_nobody_waits_for_a_terminal() -> None:
    ends = os.openpty()
    try:
        with pytest.raises(ConfigError, match=r"is a pipe or a terminal; settings are read from a file"):
            config_file.read(Path(os.ttyname(ends[1])))
    finally:
        for end in ends:
            os.close(end)


def test_the_variable_names_another_file(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    assert config_file.place({"PRUNE_TUI_CONFIG": str(other)}) == other


def test_the_variable_names_the_home_of_nobody() -> None:
    with pytest.raises(ConfigError, match=r"^PRUNE_TUI_CONFIG='~nosuchuser/x': there is no such home folder$"):
        config_file.place({"PRUNE_TUI_CONFIG": "~nosuchuser/x"})


def test_the_commented_file_says_nothing_and_every_line_of_it_may_be_said(file: Path) -> None:
    text = config_file.commented()
    file.write_text(text)
    assert config_file.read(file) == config_file.Config(file)
    lines = [line.removeprefix("# ") if " = " in line else line for line in text.splitlines()]
    file.write_text("\n".join(lines))
    config = config_file.read(file)
    assert set(config.values) == {"theme", "ascii", "slow", "mouse", "device"}
    assert set(config.keys) == {"app.quit"}
