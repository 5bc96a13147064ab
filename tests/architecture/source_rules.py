"""House rules about one Python source: text in, faults out, nothing read from the disk."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass

FILE_LINES = 400
FUNCTION_LINES = 40
FEW_STATEMENTS = 5
FORBIDDEN_NAMES = frozenset(
    {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"},
)
# What a checker obeys; the rest of the comment, if any, is the reason.
MARKER = re.compile(
    r"type:\s*ignore(?:\[[^\]]*\])?|(?:ruff:\s*)?noqa(?::\s*(?:[A-Z]+\d+[,\s]*)+)?|pragma:\s*no (?:cover|branch)",
    re.IGNORECASE,
)
SKIPS = frozenset({"pytest.skip", "pytest.xfail", "pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"})
REASON_WORDS = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """One breach of a rule."""

    line: int
    what: str


def too_long_a_file(source: str) -> list[Fault]:
    """Find a file over the limit."""
    lines = len(source.splitlines())
    return [Fault(lines, f"{lines} lines, {FILE_LINES} allowed")] if lines > FILE_LINES else []


def too_long_functions(source: str) -> list[Fault]:
    """Find functions over the limit, from `def` to their last line, nested ones included.

    A function of a few statements is an example laid out over many lines, not a long function.
    """
    return [
        Fault(node.lineno, f"{node.name} has {length} lines, {FUNCTION_LINES} allowed")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
        and sum(isinstance(inner, ast.stmt) for inner in ast.walk(node)) - 1 > FEW_STATEMENTS
    ]


def forbidden_names(path: str) -> list[Fault]:
    """Find folders and modules whose name says nothing, alone or as a last word (`key_manager`)."""
    parts = [part.removesuffix(".py") for part in path.split("/")]
    return [
        Fault(1, f"{part!r} names no capability")
        for part in parts
        if part.rpartition("_")[2].lower() in FORBIDDEN_NAMES
    ]


def broad_excepts(source: str) -> list[Fault]:
    """Find handlers that catch everything and keep it, `contextlib.suppress` included.

    A handler whose last word is a bare `raise`, with no way out before it, keeps nothing.
    """
    faults = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ExceptHandler(type=caught) if (caught is None or _catches_all(caught)) and not _passes_on(node):
                faults.append(Fault(node.lineno, f"except {ast.unparse(caught)}" if caught else "bare except"))
            case ast.Call(func=called, args=args) if _last_name(called) == "suppress" and any(map(_catches_all, args)):
                faults.append(Fault(node.lineno, "suppress(Exception)"))
            case _:
                pass
    return faults


def _passes_on(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    leaves = (ast.Return, ast.Break, ast.Continue)
    early = any(isinstance(node, leaves) for statement in handler.body for node in ast.walk(statement))
    return isinstance(last, ast.Raise) and last.exc is None and not early


def _catches_all(caught: ast.expr) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(map(_catches_all, caught.elts))
    return _last_name(caught) in {"Exception", "BaseException"}


def environment_reads(source: str) -> list[Fault]:
    """Find every way to the environment: `os.environ`, `os.getenv`, or either imported by name."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    faults = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=attr) if attr in names:
                faults.append(Fault(node.lineno, f"os.{attr}"))
            case ast.ImportFrom(module="os", names=imported):
                faults += [Fault(node.lineno, f"os.{one.name}") for one in imported if one.name in names]
            case _:
                pass
    return faults


def more_than_a_docstring(source: str) -> list[Fault]:
    """Find what a package's `__init__.py` holds beside its one docstring, or that it has none."""
    tree = ast.parse(source)
    if ast.get_docstring(tree) is None:
        return [Fault(1, "no docstring")]
    return [Fault(node.lineno, "code in __init__") for node in tree.body[1:]]


def more_than_a_face(source: str, *, package: str) -> list[Fault]:
    """Find the same, but let a package show names of its own modules: a module that outgrew its file."""
    tree = ast.parse(source)
    shown = {node.lineno for node in tree.body if _shows(node, package)}
    return [fault for fault in more_than_a_docstring(source) if fault.line not in shown]


def _shows(node: ast.stmt, package: str) -> bool:
    match node:
        case ast.ImportFrom(module=str(module), level=0):
            return module == "__future__" or module.startswith(f"{package}.")
        case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() | ast.Tuple()):
            return True
        case _:
            return False


def unexplained(source: str) -> list[Fault]:
    """Find suppressions, `Any`, `cast` and skipped tests that give no reason.

    A reason is a comment of two words or more: on the line above the statement or above
    the line, or at the end of the line. It also covers lines of the same kind that follow
    without a gap. A skip may give its reason as an argument instead.
    """
    wanting = {**_suppressing_comments(source), **_escapes(ast.parse(source))}
    if not wanting:
        return []
    lines = source.splitlines()
    comments = _comments(source)
    explained: set[int] = set()
    faults = []
    for line, (what, first) in sorted(wanting.items()):
        places = (comments.get(line, ""), _comment_above(lines, line), _comment_above(lines, first))
        if any(map(_is_reason, places)) or line - 1 in explained:
            explained.add(line)
        else:
            faults.append(Fault(line, f"{what} without its reason"))
    return faults


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _suppressing_comments(source: str) -> dict[int, tuple[str, int]]:
    if not MARKER.search(source):
        return {}
    return {line: (found[0], line) for line, comment in _comments(source).items() if (found := MARKER.search(comment))}


def _comment_above(lines: list[str], line: int) -> str:
    """Give the whole block of comment lines that ends above this line."""
    block: list[str] = []
    for text in reversed(lines[: line - 1]):
        if not text.strip().startswith("#"):
            break
        block.append(text)
    return " ".join(block)


def _is_reason(comment: str) -> bool:
    return len(re.findall(r"[A-Za-z]{2,}", MARKER.sub("", comment))) >= REASON_WORDS


def _escapes(tree: ast.Module) -> dict[int, tuple[str, int]]:
    """Give the lines that leave the type system or skip a test, with the first line of their statement."""
    found: dict[int, tuple[str, int]] = {}
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.stmt):
            continue
        first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))])
        nodes = _own_expressions(statement)
        excused = {id(node.func) for node in nodes if isinstance(node, ast.Call) and _says_why(node)}
        for node in nodes:
            if id(node) not in excused and (what := _escape(node)):
                found[node.lineno] = (what, first)
    return found


def _own_expressions(statement: ast.stmt) -> list[ast.expr]:
    """Give a statement's expressions, but not those of the statements inside it."""
    found: list[ast.expr] = []
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr):
            found.append(node)
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
    return found


def _escape(node: ast.expr) -> str:
    match node:
        case ast.Name(id="Any") | ast.Attribute(value=ast.Name(id="typing"), attr="Any"):
            return "Any"
        case ast.Call(func=ast.Name(id="cast") | ast.Attribute(value=ast.Name(id="typing"), attr="cast")):
            return "cast"
        case ast.Attribute() if ast.unparse(node) in SKIPS:
            return "skipped test"
        case _:
            return ""


def _says_why(call: ast.Call) -> bool:
    """Tell whether a skip has a reason: `reason=`, or the first argument where that is the reason."""
    reasons = [word.value for word in call.keywords if word.arg == "reason"]
    if ast.unparse(call.func) in SKIPS - {"pytest.mark.skipif", "pytest.mark.xfail"}:
        reasons += call.args[:1]
    return any(not isinstance(reason, ast.Constant) or bool(str(reason.value).strip()) for reason in reasons)


def _last_name(expression: ast.expr) -> str:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
