"""Files of the viewer that travel as one: a script, or a style sheet, with all that it imports. Pure.

The viewer is some eighty modules, and each works as it is in any browser. But eighty requests take longer than the
page itself, and what they have in common packs better together. So an entry file is handed out with its imports put
in, each module as a function of its own that is called once, in the order in which a browser would run them:

    // js/lib/format.js
    const $7 = (() => { ...; return { formatBytes, formatCount }; })();

That holds for what these files use, and a test of the viewer holds them to it: imports and exports by name, each in a
line, nothing imported that imports its importer, and no export that changes its value. What is not of ours, as an npm
package, stays an import.
"""

import posixpath
import re
from collections.abc import Callable

# Returns a file's content by its name, or None when it is none of ours.
Read = Callable[[str], str | None]

_IMPORT = re.compile(r'^import (?:(?P<names>[^"]+) from )?"(?P<target>\.{1,2}/[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (?P<name>[\w$]+))", re.MULTILINE)
_EXPORTS = re.compile(r"^export \{(?P<names>[^}]*)\};$", re.MULTILINE)
_STYLES = re.compile(r'^@import "(?P<target>[^"]+)";$', re.MULTILINE)


def join_styles(entry: str, read: Read) -> str:
    """Return the style sheet `entry` with each `@import` replaced by that file."""

    def put_in(found: re.Match[str]) -> str:
        content = read(_beside(entry, found["target"]))
        return found.group() if content is None else content

    return _STYLES.sub(put_in, read(entry) or "")


def join_modules(entry: str, read: Read) -> str:
    """Return the module `entry` as one script with all that it imports. Raises ValueError when imports go round."""
    return _Joined(entry, read).text()


class _Joined:
    """One script in the making."""

    def __init__(self, entry: str, read: Read) -> None:
        self._entry = entry
        self._read = read
        self._outside: dict[str, None] = {}  # imports of what is not of ours, each once
        self._parts: dict[str, str] = {}  # by name; those that others need come first
        self._begun: list[str] = []
        self._variables: dict[str, str] = {}  # by name; short, since all of it travels

    def text(self) -> str:
        """Return it."""
        self._add(self._entry)
        return "\n".join([*self._outside, *self._parts.values()])

    def _add(self, name: str) -> bool:
        """Put a module in, if it is not there; return whether it is one of ours."""
        if name in self._begun:
            raise ValueError(f"modules import each other: {' > '.join([*self._begun, name])}")
        code = None if name in self._parts else self._read(name)
        if code is not None:
            self._begun.append(name)
            self._parts[name] = self._module(name, code)
            self._begun.pop()
        return name in self._parts

    def _module(self, name: str, code: str) -> str:
        exported: list[str] = []

        def one(found: re.Match[str]) -> str:
            exported.append(found["name"])
            return ""

        def several(found: re.Match[str]) -> str:
            exported.extend(_pair(each, swap=True) for each in found["names"].split(","))
            return ""

        code = _IMPORT.sub(lambda found: self._import(name, found), code)
        code = _EXPORTS.sub(several, _EXPORT.sub(one, code))
        here = f'new URL("{self._from_entry(name)}", import.meta.url).href'
        code = code.replace("import.meta.url", here)
        variable, names = self._variable(name), ", ".join(exported)
        return f"// {name}\nconst {variable} = (() => {{\n{code}\nreturn {{ {names} }};\n}})();"

    def _import(self, name: str, found: re.Match[str]) -> str:
        target = _beside(name, found["target"])
        names = found["names"]
        if self._add(target):
            return f"const {_renamed(names)} = {self._variable(target)};" if names else ""
        clause = f"{names} from " if names else ""
        self._outside[f'import {clause}"{self._from_entry(target)}";'] = None
        return ""

    def _variable(self, name: str) -> str:
        return self._variables.setdefault(name, f"${len(self._variables)}")

    def _from_entry(self, name: str) -> str:
        path = posixpath.relpath(name, posixpath.dirname(self._entry))
        return path if path.startswith(".") else f"./{path}"


def _beside(name: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def _renamed(names: str) -> str:
    inner = [_pair(each) for each in names.strip("{} ").split(",") if each.strip()]
    return f"{{ {', '.join(inner)} }}"


def _pair(names: str, *, swap: bool = False) -> str:
    """`a as b` -> `a: b`, which is how an object is taken apart; with `swap` `b: a`, which is how it is made."""
    first, _, second = names.strip().partition(" as ")
    if not second:
        return first
    return f"{second}: {first}" if swap else f"{first}: {second}"
