"""The house keeps its rules: who may import whom, what is packaged, how large a module grows."""

import ast
import configparser
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "grammar": {"grammar"},
    "protocol": {"grammar", "protocol"},
    "servers": {"grammar", "protocol", "servers"},
    "harness": {"grammar", "protocol", "harness"},
}
"""The arrows. Each room may use itself and what stands here."""

DOOR = "harness/emulator.py"
"""The one module of the harness that may load the servers, inside its functions, by name."""

PURE = {
    "grammar": {"lark"},
    "protocol": {
        *["datetime", "hashlib", "importlib.resources", "json.encoder", "struct", "tomllib"],
        "threading",  # a lock, for what several threads may be the first to ask
        # The links' cipher and the audit's signatures: octets in, octets out.
        *["cryptography.exceptions", "cryptography.hazmat.primitives.ciphers.aead"],
        *["cryptography.hazmat.primitives.hashes", "cryptography.hazmat.primitives.kdf.hkdf"],
        "cryptography.hazmat.primitives.asymmetric.ed25519",
        # Archives within files that come in as arguments.
        *["zipfile", "zlib"],
    },
}
"""What the rooms without I/O may use, beside what touches nothing at all."""

TOUCHES_NOTHING = {
    *["__future__", "abc", "bisect", "collections", "collections.abc", "dataclasses", "enum"],
    *["functools", "itertools", "math", "msgspec", "operator", "re", "string", "types", "typing"],
}

ASKS_THE_WORLD = {"now", "today", "utcnow", "open", "input", "print", "breakpoint"}
"""Names that reach a clock, a file or a terminal without an import that shows it."""

OPENS = {
    # Lark.open reads metadata.lark, which is package data.
    ("grammar/definition.py", "open"),
    # ZipFile.open gives a member of the archive that is in hand.
    ("protocol/bundle.py", "open"),
}

CEILING = 600


def python(*folders: str) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    )


MODULES = python(*MAY_IMPORT)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Every module that `path` imports, the line, and whether at the top of the module."""
    tree = ast.parse(path.read_text("utf-8"))
    package = ["starwire", *path.relative_to(ROOT).parent.parts]
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        top = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, top
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            # `from starwire import servers` names the room behind the import.
            names = [alias.name for alias in node.names] if whole == "starwire" else [""]
            for one in names:
                yield f"{whole}.{one}".strip("."), node.lineno, top


def room_of(module: str) -> str | None:
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "starwire" else None


def docstrings(tree: ast.AST) -> set[int]:
    """The nodes that are bare strings: prose, which names what it likes."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def test_every_room_is_looked_at():
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(MAY_IMPORT)
    seen = {room_of(module) for path in MODULES for module, _, _ in imported(path)}
    assert {"grammar", "protocol"} <= seen


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_import_goes_upward(path):
    room = path.relative_to(ROOT).parts[0]
    for module, line, top in imported(path):
        used = room_of(module)
        if used is None or used in MAY_IMPORT[room]:
            continue
        assert name(path) == DOOR, f"{name(path)}:{line} imports {module}"
        assert used == "servers", f"{name(path)}:{line} imports {module}"
        assert not top, f"{name(path)}:{line} loads the servers as soon as it is imported"


@pytest.mark.parametrize("path", [one for one in MODULES if name(one) != DOOR], ids=name)
def test_no_import_by_name_goes_upward(path):
    room = path.relative_to(ROOT).parts[0]
    tree = ast.parse(path.read_text("utf-8"))
    prose = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            used = room_of(node.value)
            if used in MAY_IMPORT:
                assert used in MAY_IMPORT[room], f"{name(path)}:{node.lineno} names {node.value}"


@pytest.mark.parametrize("path", python(*PURE), ids=name)
def test_grammar_and_protocol_import_nothing_of_the_world(path):
    allowed = TOUCHES_NOTHING | PURE[path.relative_to(ROOT).parts[0]]
    for module, line, _ in imported(path):
        if room_of(module) is None:
            assert module in allowed, f"{name(path)}:{line} imports {module}"


@pytest.mark.parametrize("path", python(*PURE), ids=name)
def test_grammar_and_protocol_ask_no_clock_file_or_terminal(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        if (name(path), called) in OPENS:
            continue
        assert called not in ASKS_THE_WORLD, f"{name(path)}:{node.lineno} calls {called}"


@pytest.fixture(scope="module")
def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_the_packages_listed_are_the_folders_that_hold_python(setup_cfg):
    folders = {path.parent.relative_to(ROOT) for path in MODULES}
    expected = {"starwire." + ".".join(folder.parts): str(folder) for folder in folders}
    listed = setup_cfg["options"]["packages"].split()
    assert sorted(listed) == sorted(expected)
    mapped = [line.split(" = ") for line in setup_cfg["options"]["package_dir"].split("\n") if line]
    assert dict(mapped) == expected
    for folder in folders:
        assert (ROOT / folder / "__init__.py").is_file(), folder


def test_whatever_a_room_reads_is_packaged_with_it(setup_cfg):
    """A data file that no pattern names is there in the checkout and missing when installed."""
    packages = {path.parent for path in MODULES}
    packaged = {
        found
        for package, patterns in setup_cfg["options.package_data"].items()
        for pattern in patterns.split(", ")
        for found in (ROOT / package.removeprefix("starwire.").replace(".", "/")).glob(pattern)
    }
    there = {
        path
        for package in packages
        for path in package.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert there
    assert sorted(map(name, there - packaged)) == []


def test_the_links_for_type_checkers_point_at_the_rooms():
    links = ROOT / "typings" / "starwire"
    assert {link.name for link in links.iterdir()} == set(MAY_IMPORT)
    for link in links.iterdir():
        assert link.is_symlink(), link
        assert not link.readlink().is_absolute(), link
        assert link.resolve() == ROOT / link.name


@pytest.mark.parametrize("path", [*MODULES, *python("tests", "benchmarks")], ids=name)
def test_no_module_grows_over_the_ceiling(path):
    assert len(path.read_text("utf-8").splitlines()) <= CEILING


def test_every_public_name_exists():
    """`__all__` is the promise; a name in it that is not there breaks `import *` and the docs."""
    promising = []
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
        targets = {getattr(target, "id", None) for node in assigned for target in node.targets}
        if "__all__" in targets:
            parts = path.relative_to(ROOT).with_suffix("").parts
            promising.append(".".join(["starwire", *parts]).removesuffix(".__init__"))
    assert {"starwire.grammar", "starwire.protocol"} <= set(promising)
    for module_name in promising:
        module = importlib.import_module(module_name)
        missing = [public for public in module.__all__ if not hasattr(module, public)]
        assert missing == [], module_name
        assert len(set(module.__all__)) == len(module.__all__), module_name
