"""`prune-tui apply`: what it writes, what it says, and that it never leaves half a file."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from prune_tui import Session, steps
from prune_tui.commands.apply import apply
from prune_tui.engine import checksums
from prune_tui.exit_codes import FAILED, INTERRUPTED
from prune_tui.protocol import Open
from tests.commands.given_back import standard_output_given_back

NET = """
import atexit, os, signal, sys, time
import torch

class Net(torch.nn.Module):
    def __init__(self, width=4):
        super().__init__()
        print("printed by the model")
        os.write(1, b"written by the model\\n")
        self.embedding = torch.nn.Embedding(5, width)
        self.head = torch.nn.Linear(width, 5)
        self.head.weight = self.embedding.weight

def slow():
    print("building", file=sys.stderr, flush=True)
    time.sleep(60)

def hung_up():
    os.kill(os.getpid(), signal.SIGHUP)
    return Net()

def talking_to_the_end():
    atexit.register(print, "printed at exit")
    atexit.register(os.write, 1, b"written at exit\\n")
    return Net()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and a recipe made of it, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    session = opened(seed=3)
    session.apply("l1_unstructured", "*.weight", amount=0.5)
    session.apply("random_unstructured", "head.bias", amount=2)
    (tmp_path / "net.yaml").write_text(session.recipe(Open("net.py:Net")))
    return tmp_path


def opened(seed: int) -> Session:
    from prune_tui.engine import sources

    with torch.random.fork_rng():
        return Session(sources.load(Open("net.py:Net", device="cpu", seed=seed)).model, seed)


@pytest.fixture(autouse=True)
def _without_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_PLUGGED_IN", {})


@pytest.fixture
def run(folder: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command; gives exit code, standard output and standard error."""

    def ran(*names: str, **options: Any) -> tuple[int, str, str]:
        capfd.readouterr()
        with torch.random.fork_rng(), standard_output_given_back():
            code = apply(*(names or ("net.yaml", "net.py:Net")), device="cpu", **options)
        return code, *capfd.readouterr()

    return ran


def left_behind(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"net.py", "net.yaml", "__pycache__"}


def test_it_saves_what_the_session_had(run: Any, folder: Path) -> None:
    code, out, err = run(output=Path("out.pt"))
    assert (code, out) == (0, "")
    session = opened(seed=3)
    session.replay("net.yaml")
    saved = torch.load("out.pt", weights_only=True)
    assert list(saved) == list(session.model.state_dict())
    assert all(torch.equal(saved[name], tensor) for name, tensor in session.model.state_dict().items())
    assert left_behind(folder) == {"out.pt"}
    lines = [line for line in err.splitlines() if "by the model" not in line]
    assert lines[0].startswith("1/2  l1_unstructured(amount=0.5) on *.weight  −10 of 20  0.")
    assert "    ! head.weight is the same tensor as embedding.weight: taken once, as embedding.weight" in lines
    assert lines[-3] == "48.0% of 25 parameters masked"
    assert lines[-2] == f"checksum {checksums.of_model(session.model)}"
    assert lines[-1] == f"wrote out.pt, {(folder / 'out.pt').stat().st_size:,} bytes"


def test_the_report(run: Any, folder: Path) -> None:
    code, out, err = run(output=Path("out.pt"), json=True)
    assert code == 0
    assert "printed by the model\n" in err
    assert "written by the model\n" in err
    report = json.loads(out)
    first, second = report.pop("steps")
    assert {**first, "seconds": 0, "notes": len(first["notes"])} == {
        "line": next(
            n for n, line in enumerate(Path("net.yaml").read_text().splitlines(), 1) if "- method" in line
        ),
        "method": "l1_unstructured",
        "targets": ["embedding.weight", "head.weight"],
        "written": ["*.weight"],
        "settings": {"amount": 0.5},
        "seed": None,
        "took": {"embedding.weight": 10},
        "left": {"embedding.weight": 10},
        "checksum": first["checksum"],
        "as_recorded": True,
        "notes": 2,
        "seconds": 0,
    }
    assert second["took"] == {"head.bias": 2}
    assert second["seed"] == opened(3).replay("net.yaml")[1].seed
    session = opened(seed=3)
    fingerprint = session.fingerprint
    session.replay("net.yaml")
    assert report == {
        "recipe": "net.yaml",
        "source": "net.py:Net",
        "model": {"name": "Net", "fingerprint": fingerprint, "same_as_recipe": True},
        "seed": 3,
        "checksum": checksums.of_model(session.model),
        "as_recorded": True,
        "parameters": 25,
        "masked": 12,
        "sparsity": 0.48,
        "notes": [],
        "streamed": False,
        "form": "pruned",
        "output": "out.pt",
        "bytes": (folder / "out.pt").stat().st_size,
    }


def test_a_dry_run_does_everything_and_writes_nothing(run: Any, folder: Path) -> None:
    code, out, err = run(output=Path("out.pt"), dry_run=True, json=True)
    assert code == 0
    report = json.loads(out)
    assert (report["output"], report["bytes"], report["masked"]) == (None, None, 12)
    assert "wrote" not in err
    assert left_behind(folder) == set()
    assert run(dry_run=True)[0] == 0  # no -o is needed


def test_the_removed_form_leaves_the_names_as_they_were(run: Any) -> None:
    assert run(output=Path("out.pt"), form="removed")[0] == 0
    saved = torch.load("out.pt", weights_only=True)
    model = opened(seed=3).model
    assert set(saved) == set(model.state_dict())
    model.load_state_dict(saved)
    assert int((model.head.weight == 0).sum()) == 10
    assert int((model.head.bias == 0).sum()) == 2


def test_safetensors_hold_shared_tensors_once(run: Any, folder: Path) -> None:
    assert run(output=Path("out.safetensors"), form="removed")[0] == 0
    with safe_open("out.safetensors", framework="pt") as stored:
        assert set(stored.keys()) == {"embedding.weight", "head.bias"}
        told = stored.metadata()
    assert (told["format"], told["prune_tui.form"], told["head.weight"]) == ("pt", "removed", "embedding.weight")
    model = opened(seed=3).model
    assert model.load_state_dict(load_file("out.safetensors"), strict=False).missing_keys == ["head.weight"]
    assert (folder / "out.safetensors").stat().st_mode & 0o777 == (folder / "net.yaml").stat().st_mode & 0o777
    assert run(output=Path("pruned.safetensors"))[0] == 0
    assert set(load_file("pruned.safetensors")) == {
        "embedding.weight_orig", "embedding.weight_mask", "head.bias_orig", "head.bias_mask"
    }  # fmt: skip


def test_the_models_seed_is_the_recipes_unless_another_is_given(run: Any) -> None:
    code, out, err = run(dry_run=True, json=True, seed=4)
    report = json.loads(out)
    assert code == 0
    assert (report["seed"], report["model"]["same_as_recipe"], report["as_recorded"]) == (4, False, False)
    assert "! these are not the weights the recipe was made of\n" in err
    assert "other masks than recorded" in err
    code, out, err = run(dry_run=True, json=True, seed=4, strict=True)
    assert code == FAILED
    assert json.loads(out)["error"].startswith("net.yaml:")
    assert "the masks are not those the recipe records" in err


def test_a_recipe_of_another_source_is_told_before_its_steps(run: Any, folder: Path) -> None:
    (folder / "wide.py").write_text(NET.replace("Net", "Wide").replace("width=4", "width=6"))
    other = "the recipe was made of net.py:Net, not of wide.py:Wide"
    code, out, err = run("net.yaml", "wide.py:Wide", dry_run=True, json=True)
    assert code == 0
    assert err.index(f"! {other}\n") < err.index("1/2  l1_unstructured")
    assert json.loads(out)["notes"][:2] == [
        other,
        "the recipe was made of a model of class Net; this is one of class Wide",
    ]
    Path("bad.yaml").write_text(
        "version: 1\nmodel: {source: net.py:Net}\nsteps:\n- {method: identity, targets: tail.weight}\n"
    )
    code, out, err = run("bad.yaml", "wide.py:Wide", dry_run=True, json=True)
    assert code == FAILED
    assert json.loads(out)["notes"] == [other]
    assert f"! {other}\nprune-tui: bad.yaml:4: steps[0]: " in err


@pytest.mark.parametrize("source", ["twin.py:Net", "./net.py:Net", "{folder}/net.py:Net"])
def test_the_same_weights_from_elsewhere_are_no_other_source(run: Any, folder: Path, source: str) -> None:
    (folder / "twin.py").write_text(NET)
    code, out, _ = run("net.yaml", source.format(folder=folder), dry_run=True, json=True)
    assert (code, json.loads(out)["notes"]) == (0, [])


REFUSED = [
    ({}, "where should the pruned model go? Add -o pruned.safetensors, or --dry-run to write nothing"),
    (
        {"output": Path("out.npz")},
        "out.npz: no .npz is written; .safetensors, .pt, .pth, .bin are, and",
    ),
    (
        {"output": Path("folder.pt")},
        "folder.pt exists and is no empty folder; name a new one, or a",
    ),
    ({"output": Path("no/out")}, "there is no folder no; make it first"),
    (
        {"output": Path("out.pt"), "form": "compact"},
        "out.pt: the compact form is written to .safetensors files and",
    ),
    ({"output": Path("no/out.pt")}, "there is no folder no; make it first"),
    ({"output": Path("taken.pt")}, "taken.pt exists already; --force replaces it"),
    ({"output": Path("fifo.pt"), "force": True}, "fifo.pt is no ordinary file; nothing is written over it"),
    ({"output": Path("x" * 300 + ".pt")}, "File name too long"),
    ({"output": Path("out.pt"), "seed": -1}, "--seed -1: a seed is a whole number from 0 to 9223372036854775807"),
    ({"output": Path("out.pt"), "arg": ("width=x",)}, "net.py:Net raised while building the model"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_refused(run: Any, folder: Path, options: dict[str, Any], said: str) -> None:
    (folder / "taken.pt").write_text("mine")
    (folder / "folder.pt").mkdir()
    (folder / "folder.pt" / "mine").write_text("mine")
    os.mkfifo(folder / "fifo.pt")
    before = left_behind(folder)
    code, out, err = run(**options)
    assert (code, out) == (FAILED, "")
    assert said in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("prune-tui: ")
    assert left_behind(folder) == before
    assert (folder / "taken.pt").read_text() == "mine"


def test_a_step_that_cannot_be_done(run: Any, folder: Path) -> None:
    Path("bad.yaml").write_text("version: 1\nsteps:\n- {method: l1_unstructured, targets: head.bias, amount: 6}\n")
    code, out, err = run("bad.yaml", "net.py:Net", output=Path("out.pt"), json=True)
    said = "bad.yaml:3: steps[0]: head.bias has 5 entries; amount 6 asks for more"
    assert code == FAILED
    assert json.loads(out)["error"] == said
    assert err.splitlines()[-1] == f"prune-tui: {said}"
    assert left_behind(folder) == {"bad.yaml"}
    code, out, err = run("none.yaml", "net.py:Net", output=Path("out.pt"))
    assert (code, err) == (FAILED, "prune-tui: there is no file none.yaml\n")
    code, out, err = run("net.yaml", "none.py:Net", output=Path("out.pt"))
    assert (code, err.splitlines()[-1][:38]) == (FAILED, "prune-tui: there is no file none.py; a")


def test_methods_of_a_plugin(run: Any, folder: Path) -> None:
    (folder / "mine.py").write_text(
        "import torch\nfrom torch.nn.utils import prune\n"
        "class EverySecond(prune.BasePruningMethod):\n"
        '    PRUNING_TYPE = "unstructured"\n'
        "    def compute_mask(self, t, default_mask):\n"
        "        mask = default_mask.clone()\n"
        "        mask.view(-1)[::2] = 0\n"
        "        return mask\n"
    )
    written = "version: 1\nsteps:\n- {method: every_second, targets: head.bias}\n"
    Path("mine.yaml").write_text(written)
    code, _, err = run("mine.yaml", "net.py:Net", dry_run=True)
    assert code == FAILED
    assert "mine.yaml:3: steps[0].method is 'every_second': there is no method 'every_second'" in err
    assert err.endswith(". One of your own needs --plugin FILE (in Python: prune_tui.add_method)\n")
    Path("named.yaml").write_text(f"{written}model: {{plugins: [my folder/mine.py, other.py]}}\n")
    code, _, err = run("named.yaml", "net.py:Net", dry_run=True)
    assert code == FAILED
    assert "named.yaml:3: steps[0].method is 'every_second': there is no method 'every_second'" in err
    assert "The recipe's model.plugins names my folder/mine.py, other.py: pass" in err
    assert "pass --plugin 'my folder/mine.py' --plugin other.py (in Python: prune_tui.add_method)\n" in err
    code, out, _ = run("mine.yaml", "net.py:Net", dry_run=True, json=True, plugin=("mine.py",))
    assert code == 0
    assert json.loads(out)["steps"][0]["took"] == {"head.bias": 3}


def test_force_replaces_the_file_whole(run: Any, folder: Path) -> None:
    (folder / "real.pt").write_text("old")
    (folder / "real.pt").chmod(0o640)
    (folder / "out.pt").symlink_to("real.pt")
    assert run(output=Path("out.pt"), force=True)[0] == 0
    assert (folder / "out.pt").is_symlink()
    assert (folder / "real.pt").stat().st_mode & 0o777 == 0o640
    assert "head.bias_mask" in torch.load("real.pt", weights_only=True)
    assert left_behind(folder) == {"out.pt", "real.pt"}


def test_an_interrupt_says_so_and_leaves_nothing(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", interrupted)
    code, out, err = run(output=Path("out.pt"))
    assert (code, out) == (INTERRUPTED, "")
    assert err.endswith("prune-tui: interrupted; nothing was written\n")
    assert left_behind(folder) == set()
    code, out, _ = run(output=Path("out.pt"), json=True)
    report = json.loads(out)
    assert (code, report["error"]) == (INTERRUPTED, "interrupted; nothing was written")
    assert len(report["steps"]) == 2
    assert "output" not in report


@pytest.mark.parametrize("force", [False, True])
def test_an_interrupt_after_the_file_has_its_name_says_that_too(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    def interrupted(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise KeyboardInterrupt

    if force:
        (folder / "out.pt").write_text("old")
    monkeypatch.setattr(os, "fsync", interrupted)
    code, out, err = run(output=Path("out.pt"), json=True, force=force)
    assert (code, json.loads(out)["error"]) == (INTERRUPTED, "interrupted; out.pt was written")
    assert err.endswith("prune-tui: interrupted; out.pt was written\n")
    assert "head.bias_mask" in torch.load("out.pt", weights_only=True)
    assert left_behind(folder) == {"out.pt"}


def test_an_interrupt_before_that_leaves_the_old_file(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    (folder / "out.pt").write_text("old")
    monkeypatch.setattr(os, "fsync", interrupted)
    _, out, _ = run(output=Path("out.pt"), json=True, force=True)
    assert json.loads(out)["error"] == "interrupted; nothing was written"
    assert (folder / "out.pt").read_text() == "old"
    assert left_behind(folder) == {"out.pt"}


def test_a_file_of_another_that_appears_meanwhile_is_not_said_to_be_ours(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saved(_: object, path: Path) -> None:
        path.write_bytes(b"ours")
        (folder / "out.pt").write_text("theirs")

    monkeypatch.setattr(torch, "save", saved)
    code, out, _ = run(output=Path("out.pt"), json=True)
    assert (code, json.loads(out)["error"]) == (FAILED, f"{folder / 'out.pt'} exists already")
    assert (folder / "out.pt").read_text() == "theirs"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it(folder: Path, number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # the tests themselves may run under nohup
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "prune_tui", "apply", "net.yaml", "net.py:slow", "-o", "out.pt"],
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(number, before)
    with process:
        assert process.stderr is not None
        while "building" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(0.1)
        process.send_signal(number)
        process.stderr.read()
        assert process.wait(timeout=30) == 128 + number
    assert left_behind(folder) == set()


def test_under_nohup_it_outlives_the_terminal(folder: Path) -> None:
    arguments = ["-m", "prune_tui", "apply", "net.yaml", "net.py:hung_up", "-o", "out.pt", "--device", "cpu"]
    command = ["sh", "-c", 'trap "" HUP; exec "$0" "$@"', sys.executable, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "head.bias_mask" in torch.load("out.pt", weights_only=True)


def test_on_a_terminal_it_says_what_it_is_doing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    _, _, err = run(dry_run=True)
    assert "1/2  l1_unstructured(amount=0.5) …\r\x1b[K" in err
    assert err.count("\x1b[K") == 3


def test_a_recipe_cannot_command_the_terminal(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    Path("evil.yaml").write_text(
        'version: 1\nsteps:\n- {method: custom_from_mask, targets: head.bias, file: "\\e]0;owned\\a\\x9b2J.pt"}\n'
    )
    code, _, err = run("evil.yaml", "net.py:Net", dry_run=True)
    assert code == FAILED
    assert "\x1b" not in err.replace("\r\x1b[K", "")
    assert not {"\a", "\x9b"} & set(err)
    assert "1/1  custom_from_mask(file=�]0;owned��2J.pt) …" in err


def test_the_command_line(folder: Path) -> None:
    """A real process, with arguments as people write them."""
    command = [sys.executable, "-m", "prune_tui", "apply", "net.yaml", "net.py:Net", "-o", "out.pt", "--json"]
    command += ["--arg", "width=4", "--device", "cpu", "--strict"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["as_recorded"] is True
    assert (folder / "out.pt").is_file()
    ended = subprocess.run([*command[:4], "net.yaml"], capture_output=True, text=True, check=False)
    assert ended.returncode == FAILED
    assert "Missing" in ended.stderr or "requires" in ended.stderr


def in_shell(arguments: str, redirection: str = "") -> subprocess.CompletedProcess[str]:
    """`prune-tui apply` as a shell starts it, with its redirections."""
    command = f'"$0" -m prune_tui apply {arguments} --device cpu {redirection}'
    return subprocess.run(["sh", "-c", command, sys.executable], capture_output=True, text=True, check=False)


def test_what_is_printed_at_exit_is_no_part_of_the_report(folder: Path) -> None:
    ended = in_shell("net.yaml net.py:talking_to_the_end --dry-run --json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["masked"] == 12
    assert "printed at exit\n" in ended.stderr
    assert "written at exit\n" in ended.stderr


@pytest.mark.parametrize(
    ("redirection", "why"),
    [
        (">&-", "it is closed"),
        pytest.param(
            ">/dev/full",
            "No space left on device",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full"),
        ),
    ],
)
def test_a_report_that_cannot_be_printed_is_told(folder: Path, redirection: str, why: str) -> None:
    said = f"prune-tui: the report cannot be printed to standard output: {why}; "
    ended = in_shell("net.yaml net.py:Net -o out.pt --json", redirection)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (FAILED, f"{said}out.pt was written")
    assert "head.bias_mask" in torch.load("out.pt", weights_only=True)
    ended = in_shell("net.yaml net.py:Net --dry-run --json", redirection)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (FAILED, f"{said}nothing was written")
    assert in_shell("net.yaml net.py:Net --dry-run", redirection).returncode == 0  # nothing was to be printed


def test_without_standard_error_the_report_is_alone(folder: Path) -> None:
    ended = in_shell("net.yaml net.py:talking_to_the_end --dry-run --json", "2>&-")
    assert (ended.returncode, json.loads(ended.stdout)["masked"]) == (0, 12)


KILLED = """
import os, signal, sys
from prune_tui.engine.saving import safetensors_writer
from prune_tui.engine.saving.unfinished_folder import finished_in
from pathlib import Path

write = safetensors_writer.write

def killing(path, *given):
    if finished_in(Path("out")) == 2:
        path.write_bytes(b"half")
        os.kill(os.getpid(), int(os.environ["END"]))
    write(path, *given)

safetensors_writer.write = killing
from prune_tui.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_after_a_kill_the_same_command_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    from tests.engine.saving import checkpoints

    checkpoints.shards(tmp_path / "model")
    (tmp_path / "r.yaml").write_text(
        "version: 1\nseed: 3\nsteps:\n- {method: random_unstructured, targets: '*.weight', amount: 0.5}\n"
    )
    command = ["apply", "r.yaml", "model", "-o", "out", "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "END": str(int(number))}

    def ran(*start: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *start, *command],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

    ended = ran("-c", KILLED)
    assert not (tmp_path / "out").exists()
    if number == signal.SIGTERM:
        told = "interrupted; nothing was written; 2 finished files are kept: the same command goes on"
        assert json.loads(ended.stdout)["error"] == told
    kept = {
        path.name: path.stat().st_mtime_ns for path in (tmp_path / ".out.prune-tui-part").glob("*.safetensors")
    }
    ended = ran("-m", "prune_tui")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["streamed"] is True
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.safetensors")}
    assert sorted(name for name, changed in kept.items() if after[name] == changed) == [
        "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors"
    ]  # fmt: skip
    session = checkpoints.session_on(tmp_path / "model", seed=3)
    session.replay(tmp_path / "r.yaml")
    assert report["checksum"] == checksums.of_model(session.model)
    assert checksums.of_model(checkpoints.opened(tmp_path / "out").model) == report["checksum"]
    assert {path.name for path in tmp_path.iterdir()} == {"model", "out", "r.yaml"}


def test_what_is_not_done_tensor_by_tensor_says_so(run: Any, folder: Path) -> None:
    from tests.engine.saving import checkpoints

    source = checkpoints.file(folder)
    (folder / "r.yaml").write_text(
        "version: 1\nsteps:\n- {method: identity, targets: conv.weight}\n"
        "- {method: remove, targets: conv.weight}\n"
    )
    code, out, err = run("r.yaml", str(source), output=Path("out.safetensors"), json=True)
    assert code == 0
    assert json.loads(out)["streamed"] is False
    assert "! not done tensor by tensor: r.yaml:4: steps[1] is a remove" in err
