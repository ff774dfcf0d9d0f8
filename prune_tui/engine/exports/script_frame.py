"""What stands around the steps of an exported script: loading the model, the masks it carries, the proof."""

from __future__ import annotations

import base64
import inspect
import textwrap
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from prune_tui.demo.lenet import LeNet
from prune_tui.engine.exports import checkpoint_loading, script_repairs
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.python_object import read_arguments
from prune_tui.protocol import Open
from prune_tui.step_settings import Bits

_WIDTH = 100
_MODULES = ("base64", "hashlib", "importlib.util", "json", "sys", "zlib")

_HEADER = '''\
"""The pruning steps of a prune-tui session on a {name}, for torch alone.

    python FILE pruned.pt

loads the model, prunes it, checks that the masks are those of the session, and saves its state_dict where a file
is named. Or, in your own code: `prune_model(model)`, on the weights the session began with.
"""
'''

_PRUNE = '''\
def prune_model(model):
    """Do the steps of the session, in place."""
{body}
    return model
'''

_MASK_OF = '''\
def mask_of(key, module, name):
    """A mask of MASKS, as a tensor where it is needed."""
    shape, kind, text = MASKS[key]
    data = base64.b64decode(text)
    data = bytearray(zlib.decompress(data) if kind == "zlib" else data)
    mask = torch.zeros(0, dtype=torch.bool)
    if data:
        places = torch.arange(7, -1, -1, dtype=torch.uint8)
        mask = ((torch.frombuffer(data, dtype=torch.uint8)[:, None] >> places) & 1).bool().flatten()
    return mask[: torch.Size(shape).numel()].reshape(shape).to(getattr(module, name).device)
'''

_DIGEST = '''\
def digest(model):
    """SHA-256 of every mask: in the order of their names, the name, the shape and the bits, eight in a byte."""
    masks = {}
    for path, module in model.named_modules():
        for hook in module._forward_pre_hooks.values():
            name = getattr(hook, "_tensor_name", None)
            if isinstance(hook, prune.BasePruningMethod) and name is not None:
                masks[f"{path}.{name}" if path else name] = getattr(module, f"{name}_mask")
    found = hashlib.sha256()
    for path in sorted(masks):
        mask = masks[path]
        bits = mask.detach().cpu().to(torch.bool).flatten().to(torch.uint8)
        bits = torch.cat([bits, bits.new_zeros(-len(bits) % 8)])
        worth = torch.tensor([128, 64, 32, 16, 8, 4, 2, 1], dtype=torch.uint8)
        packed = (bits.view(len(bits) // 8, 8) * worth).sum(dim=1, dtype=torch.uint8)
        found.update(f"{path} {'x'.join(map(str, mask.shape))}\\n".encode())
        found.update(bytes(packed.tolist()))
    return found.hexdigest()
'''

_MAIN = """
DIGEST = "{digest}"

if __name__ == "__main__":
    model = load_model()
    prune_model(model)
    print(digest(model))
    if digest(model) != DIGEST:
        sys.exit(f"these are not the masks of the session, {DIGEST}: other weights, another torch or device?")
    print("the masks are those of the session", file=sys.stderr)
    if len(sys.argv) > 1:
        torch.save({state}, sys.argv[1])
        print(f"wrote {sys.argv[1]}", file=sys.stderr)
"""

_LOAD_UNKNOWN = '''\
def load_model():
    """The model with the weights the session began with: yours to fill in."""
    raise SystemExit("load_model in this file does not know your model yet: write there how to load it")
'''

_LOAD_OTHER = '''\
def load_model():
    """{source}: yours to fill in; plain torch does not read it as the session did."""
    raise SystemExit("write in load_model of this file how to load {source}, which was opened as: {kind}")
'''

_LOAD_DEMO = '''\
def load_model():
    """The demo of prune-tui, with its trained weights."""
    package = importlib.util.find_spec("prune_tui")
    if package is None:
        raise SystemExit("the weights of the demo come with prune-tui, which is not installed here")
    data = Path(package.origin).with_name("demo").joinpath("lenet.safetensors").read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    state = {}
    for name, entry in json.loads(data[8:begin]).items():
        first, last = (begin + offset for offset in entry["data_offsets"])
        state[name] = torch.frombuffer(bytearray(data[first:last]), dtype=torch.float32).view(entry["shape"])
    model = LeNet()
    model.load_state_dict(state)
    return model.to({device}).eval()
'''

_LOAD_OBJECT = '''\
def load_model():
    """{source}, as the session opened it."""
    torch.manual_seed({seed})
{importing}
    found = module{symbol}
    model = found if isinstance(found, torch.nn.Module) else found({arguments})
{after}    return model
'''

_IMPORT_FILE = """\
    sys.path.insert(0, str(Path({file}).resolve().parent))
    spec = importlib.util.spec_from_file_location({stem}, {file})
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)"""

_IMPORT_PACKAGE = """\
    sys.path.insert(0, str(Path.cwd()))
    module = importlib.import_module({package})"""

_UNWRAP = """\
    while type(model).__name__ in ("OptimizedModule", "DataParallel", "DistributedDataParallel"):
        model = model._orig_mod if hasattr(model, "_orig_mod") else model.module
"""


def plain(text: str) -> str:
    """Text that stays on its line and in its quotes wherever it stands."""
    return "".join(char if char.isprintable() and char not in '"\\' else "?" for char in text)


def loading(origin: Open | None, checkpoint: Checkpoint | None = None) -> str:
    """The code of `load_model`, with whatever it needs before it.

    Args:
        origin: What was asked to be opened; None where nobody knows.
        checkpoint: What the weights were read from; None where the model's code made them.
    """
    if origin is None:
        return _LOAD_UNKNOWN
    if checkpoint is not None:
        found = checkpoint_loading.loading(origin, checkpoint)
        return found or _LOAD_OTHER.format(source=plain(origin.source), kind=plain(checkpoint.kind))
    if origin.source == "demo":
        device = (
            '"cuda" if torch.cuda.is_available() else "cpu"' if origin.device == "auto" else repr(origin.device)
        )
        return f"{_source_of_lenet()}\n\n{_LOAD_DEMO.replace('{device}', device)}"
    place, _, symbol = origin.source.rpartition(":")
    if not place or not all(part.isidentifier() for part in symbol.split(".")):
        return _LOAD_UNKNOWN
    if place.endswith(".py"):
        importing = _IMPORT_FILE.format(file=repr(place), stem=repr(Path(place).stem))
    else:
        importing = _IMPORT_PACKAGE.format(package=repr(place))
    arguments = ", ".join(f"{name}={value!r}" for name, value in read_arguments(origin.arguments).items())
    moved = "" if origin.device == "auto" else f"    model = model.to({origin.device!r})\n"
    return _LOAD_OBJECT.format(
        source=plain(origin.source),
        seed=origin.seed,
        importing=importing,
        symbol="".join(f".{part}" for part in symbol.split(".")),
        arguments=arguments,
        after=moved + (_UNWRAP if origin.unwrap else ""),
    )


def _source_of_lenet() -> str:
    """The class of the demo, in its own words but for what only its own file needs."""
    source = inspect.getsource(LeNet)
    for here, there in (("nn.", "torch.nn."), (": Tensor", ""), (" -> None", ""), (" -> Tensor", "")):
        source = source.replace(here, there)
    return source.replace(" F.", " torch.nn.functional.").replace("(F.", "(torch.nn.functional.")


def assembled(name: str, loading: str, blocks: Sequence[str], masks: Mapping[str, Bits], digest: str) -> str:
    """The whole file.

    Args:
        name: Class of the model.
        loading: The code of `load_model`.
        blocks: One for each step, not indented.
        masks: Those the file carries.
        digest: Of all masks in the end.
    """
    state = "model.state_dict(prefix=PREFIX)" if "\nPREFIX = " in loading else "model.state_dict()"
    body = "\n\n".join(textwrap.indent(block, "    ") for block in blocks)
    parts = [_PRUNE.replace("{body}", body or "    # There was no step.")]
    parts += script_repairs.used(body)
    parts += [_MASK_OF] if masks else []
    parts += [_DIGEST, loading]
    parts += [_masks(masks)] if masks else []
    code = "\n\n\n".join(
        part.strip("\n") for part in [*parts, _MAIN.replace("{digest}", digest).replace("{state}", state)]
    )
    modules = [name for name in _MODULES if f"{name.partition('.')[0]}." in code]
    imports = [f"import {name}" for name in modules]
    imports += ["from pathlib import Path"] if "Path" in code else []
    head = [_HEADER.format(name=name), *imports, "", "import torch", "from torch.nn.utils import prune", "", ""]
    return "\n".join([*head, code, ""])


def _masks(masks: Mapping[str, Bits]) -> str:
    """Masks by key: shape, how the bytes are kept, and the bytes in base64."""
    lines = ["MASKS = {"]
    for key, mask in masks.items():
        squeezed = zlib.compress(mask.data, 9)
        kind, data = ("zlib", squeezed) if len(squeezed) < len(mask.data) else ("bits", mask.data)
        text = base64.b64encode(data).decode()
        rows = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)] or [""]
        held = [f'        "{row}"' for row in rows]
        lines += [f"    {key!r}: (", f"        {mask.shape!r},", f'        "{kind}",', *held, "    ),"]
    return "\n".join([*lines, "}"])
