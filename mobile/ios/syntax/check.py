"""Parses every Swift file: where there is no Swift compiler, this is all that can be said about them."""

import sys
from pathlib import Path

import tree_sitter_swift
from tree_sitter import Language, Parser

ROOT = Path(__file__).resolve().parents[1]


def faults(node):
    """Each place that is no Swift, by its line."""
    if node.is_error or node.is_missing:
        yield node.start_point.row + 1
    elif node.has_error:
        for child in node.children:
            yield from faults(child)


parser = Parser(Language(tree_sitter_swift.language()))
failed = 0
# what is generated is left out: the grammar does not know all of its Swift
files = sorted(file for file in ROOT.rglob("*.swift") if "Generated" not in file.parts)
for file in files:
    found = list(faults(parser.parse(file.read_bytes()).root_node))
    failed += bool(found)
    for line in found:
        print(f"{file.relative_to(ROOT)}:{line}: not Swift")
print(f"# pass {len(files) - failed}\n# fail {failed}")
sys.exit(1 if failed or not files else 0)
