"""The house rules, as functions of a folder, so that they can be tried on houses that break them.

Each rule returns what is wrong, one sentence each; a house in order gives empty lists.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PARTS = ("run_live", "live", "training", "export", "benchmarks", "tests")


@dataclass(frozen=True, slots=True)
class Rules:
    """What may import what."""

    arrows: Mapping[str, frozenset[str]]  # part -> the other parts that it may import
    homes: Mapping[str, tuple[str, ...]]  # package -> the files (globs) that may import it
    everywhere: tuple[str, ...]  # parts that may import any package


@dataclass(frozen=True, slots=True)
class Module:
    """One source file and what it imports, by full dotted name."""

    name: str  # "live.pose.base"; a package bears its folder's name
    path: str  # "live/pose/base.py"
    imports: frozenset[str]
    tree: ast.Module = field(compare=False, repr=False)

    @property
    def part(self) -> str:
        return self.name.partition(".")[0]


def read_modules(root: Path) -> list[Module]:
    """Every Python file of our parts under `root`, sorted by path."""
    files = [root / f"{part}.py" for part in PARTS if (root / f"{part}.py").exists()]
    for part in PARTS:
        files += sorted((root / part).rglob("*.py"))
    return [_read(root, path) for path in files]


def wrong_arrows(modules: Iterable[Module], rules: Rules) -> list[str]:
    """Imports of a part of ours that the importing part may not know."""
    found = []
    for module in modules:
        allowed = rules.arrows[module.part] | {module.part}
        for part in sorted({name.partition(".")[0] for name in module.imports} & set(PARTS)):
            if part not in allowed:
                found.append(f"{module.path} imports {part}/, which {module.part} must not know")
    return found


def strays(modules: Iterable[Module], rules: Rules) -> list[str]:
    """Imports of a heavy package outside its home."""
    found = []
    for module in modules:
        if module.part in rules.everywhere:
            continue
        for package in sorted({name.partition(".")[0] for name in module.imports}):
            homes = rules.homes.get(package)
            if homes is not None and not any(fnmatch(module.path, home) for home in homes):
                lives_in = " and ".join(homes) or "none of these parts"
                found.append(f"{module.path} imports {package}, whose home is {lives_in}")
    return found


def cycles(modules: Iterable[Module]) -> list[str]:
    """The first ring of modules that import one another, if any."""
    modules = list(modules)
    names = {module.name for module in modules}
    graph = {module.name: _ours(module, names) - {module.name} for module in modules}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [f"these import one another: {' <- '.join(error.args[1])}"]
    return []


def shadows(modules: Iterable[Module], packages: Iterable[str]) -> list[str]:
    """Modules and folders that bear a dependency's name."""
    taken = set(packages)
    return [
        f"{module.path} bears the name of a dependency"
        for module in modules
        if taken & set(module.name.split("."))
    ]


def busy_imports(modules: Iterable[Module]) -> list[str]:
    """Statements that do something when the module is merely imported."""
    found = []
    for module in modules:
        for statement in module.tree.body:
            called = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
            if called or isinstance(statement, ast.For | ast.While | ast.With | ast.Delete):
                found.append(f"{module.path}:{statement.lineno} does something at import")
    return found


def missing_inits(root: Path) -> list[str]:
    """Folders with Python files and without an `__init__.py`."""
    folders = {path.parent for part in PARTS for path in (root / part).rglob("*.py")}
    return [
        f"{folder.relative_to(root)} has no __init__.py"
        for folder in sorted(folders)
        if not (folder / "__init__.py").exists()
    ]


def third_party(modules: Iterable[Module], standard: Iterable[str]) -> set[str]:
    """Top-level names of the packages that `modules` import and that are not ours."""
    tops = {name.partition(".")[0] for module in modules for name in module.imports}
    return tops - set(PARTS) - set(standard)


def too_big(files: Iterable[Path], limit_bytes: int) -> list[str]:
    return [
        f"{path} has {path.stat().st_size} bytes; {limit_bytes} are allowed"
        for path in files
        if path.stat().st_size > limit_bytes
    ]


def says(files: Iterable[Path], pattern: re.Pattern[str]) -> list[str]:
    """Lines of text files that match `pattern`."""
    found = []
    for path in files:
        for number, line in enumerate(_text(path).splitlines(), 1):
            if match := pattern.search(line):
                found.append(f"{path}:{number} says {match.group()!r}")
    return found


def _text(path: Path) -> str:
    """The file's text, or nothing where it is not text."""
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", errors="replace")


def _read(root: Path, path: Path) -> Module:
    relative = path.relative_to(root)
    parts = relative.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    tree = ast.parse(path.read_text("utf-8"), str(path))
    package = parts[:-1]
    return Module(name, relative.as_posix(), frozenset(_imported(tree, package)), tree)


def _imported(tree: ast.Module, package: tuple[str, ...]) -> Iterator[str]:
    """Full names of everything imported anywhere in `tree`, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = (*above, *filter(None, [node.module]))
            yield from (".".join((*base, alias.name)) for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from _imported_by_call(node)


def _imported_by_call(call: ast.Call) -> Iterator[str]:
    """The name in `importlib.import_module("name")`, `__import__("name")` and the like."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in ("import_module", "__import__", "find_spec") and call.args:
        first = call.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _ours(module: Module, names: set[str]) -> set[str]:
    """The modules of ours that `module` needs: of each import the longest part that is one."""
    needed = set()
    for imported in module.imports:
        name = imported
        while name and name not in names:
            name = name.rpartition(".")[0]
        if name:
            needed.add(name)
    return needed
