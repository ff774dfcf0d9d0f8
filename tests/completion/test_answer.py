"""What a shell is told: commands, options, files, modules, sessions."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from prune_tui.cli import COMMANDS
from prune_tui.completion.answer import answer, for_line
from prune_tui.journal import Header
from prune_tui.journal_writer import Writer
from prune_tui.settings.table import BY_NAME
from tests import shell_files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ".state"))
    return tmp_path


def offered(*words: str) -> list[str]:
    return [value for value, _ in answer(COMMANDS, words)]


def stored(file: Path, *names: str, **metadata: object) -> None:
    """A safetensors file with nothing but a header."""
    tensors = {name: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for name in names}
    header = json.dumps({**({"__metadata__": metadata} if metadata else {}), **tensors}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header)


def test_the_files_made_of_the_commands_are_those_of_today() -> None:
    stale = [str(file) for file, text in shell_files.FILES.items() if file.read_text("utf-8") != text()]
    assert stale == [], "run: python -m tests.shell_files"


def test_the_first_word_is_a_command_or_a_source(folder: Path) -> None:
    stored(folder / "model.safetensors", "a.weight")
    (folder / "models").mkdir()
    (folder / "notes.md").touch()
    assert offered("") == [*COMMANDS, "demo", "models/", "model.safetensors"]
    assert offered("sh") == ["show"]
    assert dict(answer(COMMANDS, ["sh"])) == {"show": "Print the modules of a model, or what one of them holds"}


def test_where_no_file_looks_like_a_model_all_are_offered(folder: Path) -> None:
    (folder / "weights.v2").touch()
    assert offered("show", "w") == ["weights.v2"]
    assert offered("show", f"{folder}/w") == [f"{folder}/weights.v2"]
    assert offered("show", "none/") == []


def test_hidden_files_only_when_asked_for(folder: Path) -> None:
    (folder / ".hidden").mkdir()
    assert offered("show", "") == ["demo"]
    assert offered("show", ".h") == [".hidden/"]


def test_a_link_that_leads_to_itself_hides_nothing_else(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    (folder / "models").mkdir()
    (folder / "a.pt").touch()
    assert offered("show", "") == ["demo", "models/", "a.pt"]


def test_the_options_of_the_command() -> None:
    assert offered("show", "--d") == ["--depth", "--device", "--debug"]
    assert dict(answer(COMMANDS, ["diff", "a", "b", "--ex"])) == {
        "--exact": "Other masks, other values under masks and other bits are a difference, too"
    }
    assert offered("show", "-") == [
        "--module", "--depth", "--json", "--arg", "--device", "--seed", "--weights", "--key", "--allow", "--trust",
        "--debug", "--help", "--version",
    ]  # fmt: skip


def test_the_options_that_are_handed_through() -> None:
    assert offered("web", "demo", "--re") == ["--readonly", "--resume"]
    assert offered("web", "--ho") == ["--host"]
    assert offered("web", "--theme", "li") == ["light"]


def test_what_an_option_may_be() -> None:
    assert offered("--theme", "") == [*BY_NAME["theme"].choices]
    assert offered("--theme=colour") == ["--theme=colour-blind", "--theme=colour-blind-light"]
    assert offered("convert", "demo", "out", "--form", "") == ["pruned", "removed", "compact"]
    assert offered("config", "") == ["path", "show", "check", "keys", "create"]
    assert offered("show", "--device", "cu") == ["cuda", "cuda:0"]
    assert offered("--seed", "") == []
    assert offered("--none", "x", "--none=") == []


def test_the_modules_of_the_demo() -> None:
    assert offered("show", "demo", "--module", "") == ["conv1", "conv2", "fc1", "fc2", "fc3"]
    assert offered("show", "--module", "c") == ["conv1", "conv2"]  # the demo is what show opens without a word
    assert offered("show", "--module=fc3") == ["--module=fc3"]


def test_the_modules_of_a_file_wherever_it_stands_on_the_line(folder: Path) -> None:
    stored(folder / "m.safetensors", "layers.0.mlp.weight", "layers.0.mlp.bias", "layers.1.mlp.weight", "scale")
    modules = ["layers", "layers.0", "layers.0.mlp", "layers.1", "layers.1.mlp"]
    assert offered("show", "m.safetensors", "--module", "") == modules
    assert offered("show", "--json", "--seed", "3", "m.safetensors", "--depth=2", "--module", "layers.1.") == [
        "layers.1.mlp"
    ]
    assert offered("show", "--", "m.safetensors", "--module") == []


def test_the_modules_of_several_files_by_their_index(folder: Path) -> None:
    (folder / "whole").mkdir()
    index = {"weight_map": {"head.weight": "1.safetensors", "body.0.weight": "2.safetensors"}}
    (folder / "whole" / "model.safetensors.index.json").write_text(json.dumps(index))
    assert offered("show", "whole", "--module", "") == ["head", "body", "body.0"]
    assert offered("show", "whole/model.safetensors.index.json", "--module", "b") == ["body", "body.0"]


def test_the_modules_of_a_compact_file(folder: Path) -> None:
    names = ("fc.weight.kept", "fc.weight.mask", "fc.bias")
    stored(folder / "c.safetensors", *names, **{"prune_tui.compact": json.dumps({"fc.weight": [3, 3]})})
    assert offered("show", "c.safetensors", "--module", "") == ["fc"]


@pytest.mark.parametrize("index", [{"weight_map": 5}, {"weight_map": ["a.b"]}, {"weight_map": "a.b"}])
def test_a_damaged_index_has_no_modules_to_offer(folder: Path, index: object) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert offered("show", "model.safetensors.index.json", "--module", "") == []


@pytest.mark.parametrize("compact", [5, ["fc.weight"], "[]", "5"])
def test_damaged_metadata_have_no_modules_to_offer(folder: Path, compact: object) -> None:
    stored(folder / "m.safetensors", "fc.weight.kept", **{"prune_tui.compact": compact})
    assert offered("show", "m.safetensors", "--module", "") == []


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 9) + b"{"])
def test_a_damaged_file_has_no_modules_to_offer(folder: Path, content: bytes) -> None:
    (folder / "m.safetensors").write_bytes(content)
    assert offered("show", "m.safetensors", "--module", "") == []
    assert offered("show", "none.safetensors", "--module", "") == []


def test_the_classes_and_functions_of_a_python_file(folder: Path) -> None:
    (folder / "net.py").write_text("exit()\nclass Net: pass\ndef build(): pass\nmodel = Net()\n_own = 1\n")
    assert offered("net") == ["net.py:"]
    assert offered("net.py:") == ["net.py:Net", "net.py:build", "net.py:model"]
    (folder / "net.py").write_text("class (")
    assert offered("net.py:") == []


def test_recipes_plugins_and_checkpoints_each_where_they_belong(folder: Path) -> None:
    for name in ("a.yaml", "b.py", "c.pt"):
        (folder / name).touch()
    assert offered("apply", "") == ["a.yaml"]
    assert offered("apply", "a.yaml", "") == ["demo", "b.py:", "c.pt"]
    assert offered("--plugin", "") == ["b.py"]
    assert offered("my.py:Net", "--weights", "") == ["c.pt"]


def test_sessions_by_their_names(folder: Path) -> None:
    journals = folder / ".state" / "prune-tui" / "sessions"
    journals.mkdir(parents=True)
    Writer.begin(journals / "20260101-1.journal", Header(source="demo")).close()
    (journals / "damaged.journal").write_text("x")
    told = dict(answer(COMMANDS, ["sessions", "--delete", ""]))
    assert told == {"20260101-1": "0 steps on demo", "damaged": ""}
    assert offered("--resume", "2026") == ["20260101-1"]
    assert offered("2026") == []


def test_a_name_that_would_command_the_terminal_is_not_offered(folder: Path) -> None:
    stored(folder / "m.safetensors", "good.weight", "ev\x1b[2Jil.weight")
    assert offered("show", "m.safetensors", "--module", "") == ["good"]


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("prune-tui show my", r"my\ models/"),
        (r"prune-tui show my\ mo", r"my\ models/"),
        ("prune-tui show 'my mo", "my models/"),
        ('prune-tui show "my mo', "my models/"),
        (r"prune-tui show \$", r"\$\(touch\ x\)/"),
        ("prune-tui   show  demo --module fc3", "fc3"),
        ("prune-tui show 'demo' --module fc3", "fc3"),
    ],
)
def test_words_are_read_and_written_as_bash_does(folder: Path, line: str, typed: str) -> None:
    for name in ("my models", "$(touch x)"):
        (folder / name).mkdir()
    assert for_line(COMMANDS, line) == typed


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("prune-tui show ~/my", r"~/my\ models/"),
        (r"prune-tui show ~/my\ models/~", r"~/my\ models/\~a.pt"),
        ("prune-tui show --weights ~/my", r"~/my\ models/"),
        ("prune-tui show ~/net.py:N", "~/net.py:Net"),
        ("prune-tui show ~nosuchuser/my", ""),
        ("prune-tui show ~nosuchuser/net.py:", ""),
        ("prune-tui show ~nosuchuser/m.safetensors --module ", ""),
        ("prune-tui show '~/my", ""),
        (r"prune-tui show \~/my", ""),
        ("prune-tui show --weights=~/my", ""),
        (r"prune-tui show ~o", r"\~odd.pt"),
    ],
)
def test_a_home_stays_as_it_is_typed(folder: Path, monkeypatch: pytest.MonkeyPatch, line: str, typed: str) -> None:
    """Where the shell puts one in its place: at the beginning of a word, and not in quotes."""
    (folder / "my models").mkdir()
    (folder / "my models" / "~a.pt").touch()
    (folder / "~odd.pt").touch()
    (folder / "net.py").write_text("class Net: pass\n")
    monkeypatch.setenv("HOME", str(folder))
    assert for_line(COMMANDS, line) == typed


def test_an_answer_needs_neither_torch_nor_the_screen_nor_a_parser() -> None:
    code = (
        "import sys; from prune_tui import cli; cli._complete('words', 'show', 'demo', '--module', '')\n"
        "assert not {'torch', 'numpy', 'textual', 'cyclopts', 'rich'} & set(sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert (ended.returncode, ended.stdout) == (0, "conv1\t\nconv2\t\nfc1\t\nfc2\t\nfc3\t\n"), ended.stderr
