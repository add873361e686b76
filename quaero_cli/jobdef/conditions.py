"""A step's `condition`: one value, usually a placeholder, that lets the step run unless it is empty; or `not` one.

There is no more of a language than this word: what needs `and` or `or` is decided by a step, and handed over as its
output.
"""

import re

from quaero_cli.jobdef.placeholders import Scope, resolve

_NOT = re.compile(r"\s*not\s+(?P<rest>\S.*)", re.DOTALL)
_FALSE = frozenset({"", "false", "0"})


def is_met(condition: str, scope: Scope) -> bool:
    """Return whether a condition, as it is written in the file, lets its step run.

    `not` counts where the file has it, not where a value begins with it. Raises StepFailed as `resolve` does.
    """
    negated = _NOT.fullmatch(condition)
    return not is_met(negated["rest"], scope) if negated else is_truthy(resolve(condition, scope))


def is_truthy(value: object) -> bool:
    """Return whether a value counts as something.

    Not when it is empty: null, false, 0, an empty list or table, or a text that is empty, `false` or `0` (in any
    case, blanks around it do not count).
    """
    if isinstance(value, str):
        return value.strip().lower() not in _FALSE
    return bool(value)
