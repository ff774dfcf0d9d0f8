from __future__ import annotations

from collections.abc import Callable

import pytest

from prune_tui.ui.outline import OutlineModel
from prune_tui.view_rows import ModuleRow


def rows_of(*paths: str, types: dict[str, str] | None = None) -> tuple[ModuleRow, ...]:
    """Rows for dotted paths in preorder; the first is the model itself."""
    places = {path: index for index, path in enumerate(paths)}
    return tuple(
        ModuleRow(
            path, (types or {}).get(path, "Module"), places[path.rpartition(".")[0]] if path else -1, 0, 0, ()
        )
        for path in paths
    )


def shown(outline: OutlineModel) -> list[str]:
    return [outline.row(index).path for index in outline.visible]


PATHS = ("", "stem", "body", "body.0", "body.0.conv", "body.0.norm", "body.1", "body.1.conv", "head")
TYPES = {"stem": "Conv2d", "body.0.conv": "Conv2d", "body.1.conv": "Conv2d", "body.0.norm": "BatchNorm2d"}


@pytest.fixture
def outline() -> OutlineModel:
    return OutlineModel(rows_of(*PATHS, types=TYPES))


def flat(count: int) -> tuple[ModuleRow, ...]:
    return rows_of("", "layers", *(f"layers.{index}" for index in range(count - 2)))


def test_without_rows_nothing_is_shown() -> None:
    outline = OutlineModel()
    outline.open_all()
    outline.close_all()
    outline.set_filter("conv")
    assert outline.visible == []
    assert len(outline) == 0


def test_a_small_model_starts_with_two_levels_open(outline: OutlineModel) -> None:
    assert shown(outline) == ["", "stem", "body", "body.0", "body.1", "head"]


def test_a_larger_model_starts_with_the_model_open() -> None:
    assert shown(OutlineModel(flat(41))) == ["", "layers"]


def test_structure(outline: OutlineModel) -> None:
    assert [outline.has_children(index) for index in (0, 1, 2, 4)] == [True, False, True, False]
    assert outline.parent(4) == 3
    assert outline.parent(0) == -1
    assert outline.index_of("body.1.conv") == 7
    assert outline.index_of("body.2") is None


def test_guides_join_the_children_of_a_module(outline: OutlineModel) -> None:
    outline.open_all()
    assert [outline.guides(index) for index in outline.visible] == [
        "",
        "├ ",
        "├ ",
        "│ ├ ",
        "│ │ ├ ",
        "│ │ └ ",
        "│ └ ",
        "│   └ ",
        "└ ",
    ]
    assert outline.guides(5, most=2) == "│ └ "


def test_folding_keeps_what_is_open_inside(outline: OutlineModel) -> None:
    outline.open(3)
    assert shown(outline) == ["", "stem", "body", "body.0", "body.0.conv", "body.0.norm", "body.1", "head"]
    outline.close(2)
    assert shown(outline) == ["", "stem", "body", "head"]
    assert not outline.is_open(2)
    outline.open(2)
    assert "body.0.norm" in shown(outline), "what is inside stays as open as it was"


def test_a_leaf_is_never_open(outline: OutlineModel) -> None:
    outline.open(1)
    assert not outline.is_open(1)


def test_close_all_keeps_the_model_open(outline: OutlineModel) -> None:
    outline.close_all()
    assert shown(outline) == ["", "stem", "body", "head"]


def test_open_all_opens_two_levels_of_a_very_large_model() -> None:
    outline = OutlineModel(rows_of(*(path for i in range(700) for path in _block(i))))
    assert len(outline) == 2101
    outline.open_all()
    assert shown(outline) == ["", *(path for i in range(700) for path in (f"b{i}", f"b{i}.act"))]


def _block(index: int) -> tuple[str, ...]:
    return (*([""] if index == 0 else []), f"b{index}", f"b{index}.act", f"b{index}.act.fn")


def test_reveal_opens_the_modules_around(outline: OutlineModel) -> None:
    outline.close_all()
    outline.reveal(7)
    assert shown(outline) == ["", "stem", "body", "body.0", "body.1", "body.1.conv", "head"]


def test_line_of_and_nearest_visible(outline: OutlineModel) -> None:
    assert outline.line_of(6) == 4
    assert outline.line_of(4) is None
    assert outline.nearest_visible(4) == 3
    outline.close(0)
    assert outline.nearest_visible(4) == 0


def test_other_rows_keep_the_fold_state_by_path(outline: OutlineModel) -> None:
    outline.open(3)
    outline.close(6)
    outline.replace_rows(rows_of("", "new", "new.a", "new.a.deep", *PATHS[2:]))
    assert outline.is_open(outline.index_of("body.0") or 0)
    assert not outline.is_open(outline.index_of("body.1") or 0)
    assert outline.is_open(outline.index_of("new") or 0), "what was not there starts as in a small model"


def test_update_rows_takes_new_numbers(outline: OutlineModel) -> None:
    row = ModuleRow("head", "Linear", 0, 10, 5, ())
    outline.update_rows(((8, row),))
    assert outline.row(8) is row


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("conv", {"stem", "body.0.conv", "body.1.conv"}),
        ("CONV2D", {"stem", "body.0.conv", "body.1.conv"}),
        ("conv 1", {"body.1.conv"}),
        ("  body.0   norm ", {"body.0.norm"}),
        ("conv nothing", set()),
    ],
)
def test_filter_wants_every_word_in_path_or_type(outline: OutlineModel, text: str, paths: set[str]) -> None:
    outline.set_filter(text)
    assert {outline.row(index).path for index in outline.matches} == paths


def test_filter_shows_matches_and_ancestors_unfolded(outline: OutlineModel) -> None:
    outline.close_all()
    outline.set_filter("body conv2d")
    assert shown(outline) == ["", "body", "body.0", "body.0.conv", "body.1", "body.1.conv"]
    assert [outline.guides(index) for index in outline.visible] == [
        "",
        "└ ",
        "  ├ ",
        "  │ └ ",
        "  └ ",
        "    └ ",
    ]


def test_the_empty_filter_brings_the_fold_state_back(outline: OutlineModel) -> None:
    outline.open(3)
    before = shown(outline)
    outline.set_filter("c")
    outline.set_filter("conv")
    outline.close_all()
    outline.set_filter(" ")
    assert shown(outline) == before
    assert outline.matches == frozenset()


def test_folding_under_a_filter(outline: OutlineModel) -> None:
    outline.set_filter("conv")
    outline.close(2)
    assert shown(outline) == ["", "stem", "body"]
    outline.open_all()
    assert shown(outline) == ["", "stem", "body", "body.0", "body.0.conv", "body.1", "body.1.conv"]


def test_a_match_opens_though_nothing_in_it_matches() -> None:
    outline = OutlineModel(rows_of("", "a", "a.x", "a.x.y", "b", types={"a": "Block"}))
    outline.set_filter("block")
    assert shown(outline) == ["", "a"]
    assert not outline.is_open(1)
    outline.open(1)
    assert shown(outline) == ["", "a", "a.x"]


def test_reveal_shows_what_the_filter_hid(outline: OutlineModel) -> None:
    outline.set_filter("head")
    outline.reveal(5)
    assert shown(outline) == ["", "body", "body.0", "body.0.norm", "head"]
    assert outline.matches == {8}


def test_other_rows_keep_the_filter(outline: OutlineModel) -> None:
    outline.set_filter("head")
    outline.replace_rows(rows_of("", "a", "a.head", "tail"))
    assert shown(outline) == ["", "a", "a.head"]
    outline.set_filter("")
    assert shown(outline) == ["", "a", "a.head", "tail"]


def nested(count: int) -> tuple[ModuleRow, ...]:
    paths = [""]
    for i in range(count // 111 + 1):
        paths.append(f"l{i}")
        for j in range(10):
            paths.append(f"l{i}.{j}")
            paths.extend(f"l{i}.{j}.{k}" for k in range(10))
    return rows_of(*paths[:count])


def chain(count: int) -> tuple[ModuleRow, ...]:
    return tuple(ModuleRow(".".join("a" * depth), "Module", depth - 1, 0, 0, ()) for depth in range(count))


@pytest.mark.parametrize("rows", [flat(10_000), nested(10_000), chain(2_000)], ids=["flat", "nested", "chain"])
def test_large_models_cost_milliseconds(rows: tuple[ModuleRow, ...]) -> None:
    outline = OutlineModel(rows)
    last = len(rows) - 1
    operations: list[Callable[[], object]] = [
        lambda: outline.replace_rows(rows),
        outline.open_all,
        lambda: outline.reveal(last),
        lambda: outline.close(1),
        lambda: outline.set_filter("9"),
        lambda: outline.set_filter("module"),
        outline.close_all,
        lambda: outline.set_filter(""),
    ]
    for operation in operations:
        operation()
        lines = outline.visible
        # A few ms each on an idle machine; anything quadratic runs into the timeout.
        for index in lines[-50:]:
            assert lines[outline.line_of(index)] == index
