"""What holds for the tests themselves."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]

FILES = [file for file in sorted(TESTS.rglob("*.py")) if file.parent.name not in ("benchmarks", "support")]

CLOCKS = {
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "process_time",
    "thread_time",
    "time",
    "time_ns",
}


def looks_at_a_clock(node: ast.AST) -> bool:
    """Whether a piece of code asks how late it is, or compares something called seconds."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "time" and bool(CLOCKS & {name.name for name in node.names})
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id == "time" and node.attr in CLOCKS
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return any(
            isinstance(each, ast.Attribute) and each.attr == "seconds" for each in (node.left, *node.comparators)
        )
    return isinstance(node, ast.Import) and "timeit" in {name.name for name in node.names}


def test_no_test_looks_at_a_clock():
    """How long something takes depends on the machine: `make bench` measures it, and `until` waits for it.

    Where time is part of what is tested, the test brings a clock of its own.
    """
    found = [
        f"{file.relative_to(TESTS)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if looks_at_a_clock(node)
    ]
    assert found == []
