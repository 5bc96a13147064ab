"""Tell a file's language from its name, or else from what the editor calls it.

The name wins: its last suffix, with its case (`.C` is C++, `.c` is C).

Source: engine specification, section 1.2.
"""

from __future__ import annotations

_LANGUAGES = (
    # name, suffixes, editors' ids
    ("c", "c h", "c"),
    ("cpp", "cpp hpp c++ h++ cc hh C H", "cpp"),
    ("csharp", "cs", "csharp"),
    ("go", "go", "go"),
    ("java", "java", "java"),
    ("js", "js jsx", "javascript javascriptreact"),
    ("php", "php php3 php4 php5 phps phpt", "php"),
    ("python", "py", "python"),
    ("ruby", "rb", "ruby"),
    ("rust", "rs", "rust"),
    ("scala", "scala", "scala"),
    ("ts", "ts tsx", "typescript typescriptreact"),
    ("kotlin", "kts kt", "kotlin"),
    ("ada", "ada adb ads", "ada"),
    ("apex", "cls trigger", "apex"),
    ("arduino", "ino", "arduino"),
    ("asm", "asm s S", "asm x86asm"),
    ("awk", "awk", "awk"),
    ("bash", "sh bash", "bash shellscript"),
    ("batch", "bat cmd", "bat"),
    ("bicep", "bicep", "bicep"),
    ("c3", "c3", "c3"),
    ("cairo", "cairo", "cairo"),
    ("clojure", "clj cljs cljc", "clojure"),
    ("cobol", "cob cbl cobol", "cobol"),
    ("commonlisp", "lisp lsp cl", "commonlisp lisp"),
    ("crystal", "cr", "crystal"),
    ("cuda", "cu cuh", "cuda cuda-cpp"),
    ("d", "d", "d"),
    ("dart", "dart", "dart"),
    ("devicetree", "dts dtsi", "dts"),
    ("dockerfile", "dockerfile", "dockerfile"),
    ("elisp", "el", "emacs-lisp"),
    ("elixir", "ex exs", "elixir"),
    ("elm", "elm", "elm"),
    ("erlang", "erl hrl", "erlang"),
    ("fennel", "fnl", "fennel"),
    ("fish", "fish", "fish"),
    ("fortran", "f for f77 f90 f95 f03 f08", "fortran FortranFreeForm"),
    ("fsharp", "fs fsi fsx", "fsharp"),
    ("gdscript", "gd", "gdscript"),
    ("gleam", "gleam", "gleam"),
    ("glsl", "glsl vert frag", "glsl"),
    ("groovy", "groovy gvy gy gsh", "groovy"),
    ("hack", "hack", "hack"),
    ("hare", "ha", "hare"),
    ("haskell", "hs lhs", "haskell"),
    ("haxe", "hx", "haxe"),
    ("hcl", "hcl", "hcl"),
    ("hlsl", "hlsl", "hlsl"),
    ("idris", "idr", "idris"),
    ("jai", "jai", "jai"),
    ("janet", "janet", "janet"),
    ("jq", "jq", "jq"),
    ("julia", "jl", "julia"),
    ("lua", "lua", "lua"),
    ("luau", "luau", "luau"),
    ("magik", "magik", "magik"),
    ("matlab", "", "matlab"),
    ("mojo", "mojo", "mojo"),
    ("move", "move", "move"),
    ("nim", "nim", "nim"),
    ("nix", "nix", "nix"),
    ("objc", "m mm", "objective-c objective-cpp"),
    ("ocaml", "ml mli", "ocaml"),
    ("odin", "odin", "odin"),
    ("pascal", "pas pp", "pascal objectpascal"),
    ("perl", "pl pm t pod", "perl"),
    ("pony", "pony", "pony"),
    ("powershell", "ps1 psm1 psd1", "powershell"),
    ("prolog", "pro prolog", "prolog"),
    ("purescript", "purs", "purescript"),
    ("ql", "ql qll", "ql codeql"),
    ("r", "r R", "r"),
    ("racket", "rkt", "racket"),
    ("rescript", "res resi", "rescript"),
    ("robot", "robot", "robot"),
    ("roc", "roc", "roc"),
    ("scheme", "scm ss", "scheme"),
    ("smalltalk", "st", "smalltalk"),
    ("solidity", "sol", "solidity"),
    ("sourcepawn", "sp", "sourcepawn"),
    ("sql", "sql", "sql"),
    ("starlark", "bzl star", "starlark bazel"),
    ("svelte", "svelte", "svelte"),
    ("swift", "swift", "swift"),
    ("systemverilog", "sv svh", "systemverilog"),
    ("tact", "tact", "tact"),
    ("tcl", "tcl tk", "tcl"),
    ("terraform", "tf tfvars", "terraform"),
    ("tlaplus", "tla", "tlaplus"),
    ("v", "vsh vv", "v"),
    ("vb", "vb bas vbs", "vb vbscript"),
    ("verilog", "v", "verilog"),
    ("vhdl", "vhd vhdl", "vhdl"),
    ("vim", "vim", "vim viml"),
    ("vue", "vue", "vue"),
    ("wgsl", "wgsl", "wgsl"),
    ("zig", "zig", "zig"),
    ("zsh", "zsh", "zsh"),
)

_BY_SUFFIX = {suffix: name for name, suffixes, _ in _LANGUAGES for suffix in suffixes.split()}
_BY_EDITOR = {editor_id: name for name, _, editor_ids in _LANGUAGES for editor_id in editor_ids.split()}


def suffix_of(file_name: str) -> str:
    """Give the last suffix of a file's name without its dot; none for a dotfile or a bare name."""
    stem, dot, suffix = file_name.rpartition("/")[2].rpartition(".")
    return suffix if dot and stem else ""


def language_of(file_name: str, editor_id: str = "") -> str:
    """Give the language's lower-case name, or an empty text when neither tells it."""
    return _BY_SUFFIX.get(suffix_of(file_name)) or _BY_EDITOR.get(editor_id, "")
