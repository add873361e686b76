"""Declared parameters, and the values given for them on the command line or as JSON."""

from math import nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobfiles import define

from quaero_cli.errors import DefinitionError, ParameterError, UsageError
from quaero_cli.jobdef.parameters import resolve_parameters, split_assignment

STEP = "\n[step.a]\ntype = 'shell'\ncommand = 'x'\n"


def declared(text):
    return define(f"[params.p]\n{text}\n{STEP}")


GOOD = [
    # declaration, given, value
    ("", "a b", "a b"),
    ("type = 'string'", "", ""),
    ("type = 'string'", "5", "5"),
    ("type = 'string'\nchoices = ['a', 'b']", "b", "b"),
    ("type = 'string'\npattern = 'a+'", "aaa", "aaa"),
    ("type = 'int'", "-5", -5),
    ("type = 'int'", " 7 ", 7),
    ("type = 'int'", 7, 7),
    ("type = 'int'\nmin = 1\nmax = 3", "3", 3),
    ("type = 'int'\nchoices = [1, 2]", "2", 2),
    ("type = 'float'", "1", 1.0),
    ("type = 'float'", ".5", 0.5),
    ("type = 'float'", "1e3", 1000.0),
    ("type = 'float'", 2, 2.0),
    ("type = 'float'\nmin = 0\nmax = 1", 0.5, 0.5),
    ("type = 'bool'", "Yes", True),
    ("type = 'bool'", "0", False),
    ("type = 'bool'", False, False),
    ("type = 'path'", "/tmp/x y", "/tmp/x y"),
    ("type = 'list'", "a, b,,", ["a", "b"]),
    ("type = 'list'", "", []),
    ("type = 'list'", '["a,b", "c"]', ["a,b", "c"]),
    ("type = 'list'", "[1, 2.5, true]", [1, 2.5, True]),
    ("type = 'list'", ["a,b", "c"], ["a,b", "c"]),
    ("type = 'list'\nchoices = ['a', 'b']", "b,a", ["b", "a"]),
    ("type = 'list'\npattern = 'h.*'", "http://a,https://b", ["http://a", "https://b"]),
    ("default = 'd'", None, "d"),
    ("type = 'list'\ndefault = []", None, []),
    ("type = 'float'\ndefault = 1", None, 1.0),
    ("type = 'int'", None, None),
]


@pytest.mark.parametrize(("declaration", "value", "wanted"), GOOD)
def test_a_value_gets_its_declared_type(declaration, value, wanted):
    """`-p max=5` is the number 5 for an int and the text "5" for a string."""
    given_values = {} if value is None else {"p": value}
    found = resolve_parameters(declared(declaration), given_values)
    assert found == {"p": wanted}
    assert type(found["p"]) is type(wanted)


BAD = [
    ("type = 'int'", "five", "must be an integer, not 'five'"),
    ("type = 'int'", "1.0", "must be an integer, not '1.0'"),
    ("type = 'int'", 1.0, "must be an integer, not 1.0"),
    ("type = 'int'", True, "must be an integer, not true"),
    ("type = 'int'", "9" * 5000, "must be an integer, not '999"),
    ("type = 'int'", "9223372036854775808", "must be an integer of 64 bits"),
    ("type = 'int'", ["1", "2"], "given 2 times"),
    ("type = 'int'", "٣", "must be an integer"),
    ("type = 'int'\nmin = 1", "0", "must be at least 1, not 0"),
    ("type = 'int'\nmax = 1", 2, "must be at most 1, not 2"),
    ("type = 'int'\nchoices = [1, 2]", "3", "must be one of 1, 2, not 3"),
    ("type = 'float'", "nan", "must be a number, not 'nan'"),
    ("type = 'float'", "1e999", "must be a finite number, not inf"),
    ("type = 'float'", nan, "must be a finite number, not nan"),
    ("type = 'bool'", "maybe", "must be true or false, not 'maybe'"),
    ("type = 'bool'", 1, "must be true or false, not 1"),
    ("type = 'string'", 5, "must be a string, not 5"),
    ("type = 'string'", "a\0b", "holds a NUL character"),
    ("type = 'string'", "\udcff", "is not valid Unicode"),
    ("type = 'string'\nchoices = ['red', 'blue']", "rad", "must be one of 'red', 'blue', not 'rad'"),
    ("type = 'string'\npattern = 'a+'", "aab", "must match the pattern 'a+', not 'aab'"),
    ("type = 'path'", "", "must be a path, not ''"),
    ("type = 'list'", "[1", "not a JSON array: '[1'"),
    ("type = 'list'", "[" * 100000, "not a JSON array"),
    ("type = 'list'", "[[1]]", "item 1: must be a string, a number or a truth value, not a list"),
    ("type = 'list'", {"a": 1}, "must be a list, not a table"),
    ("type = 'list'\nchoices = ['a']", "a,b", "item 2: must be one of 'a', not 'b'"),
    ("type = 'list'\npattern = 'a'", "[1]", "item 1: must match the pattern"),
    ("required = true", None, "is required"),
]


@pytest.mark.parametrize(("declaration", "value", "message"), BAD)
def test_a_value_that_does_not_fit_is_told(declaration, value, message):
    """The job does not start, and says which parameter and which value."""
    given_values = {} if value is None else {"p": value}
    with pytest.raises(ParameterError) as caught:
        resolve_parameters(declared(declaration), given_values)
    assert caught.value.message.startswith("job: parameter p: ")
    assert message in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(("declaration", "value"), [("type = 'int'", "5"), ("type = 'list'", "a,b")])
def test_json_values_must_have_their_type(declaration, value):
    """An API caller who sends "5" for a number has made an error."""
    with pytest.raises(ParameterError, match="must be"):
        resolve_parameters(declared(declaration), {"p": value}, parse_text=False)


def test_null_means_not_given():
    """A form field that was left empty takes the default."""
    assert resolve_parameters(declared("default = 'd'"), {"p": None}) == {"p": "d"}


def test_an_unknown_parameter_names_the_nearest():
    """`-p url=...` for `urls` is not dropped in silence."""
    job = define("[params.urls]\ntype = 'list'\n" + STEP)
    with pytest.raises(ParameterError) as caught:
        resolve_parameters(job, {"url": "a"})
    assert (str(caught.value), caught.value.hint) == ("job: unknown parameter 'url'", "did you mean 'urls'?")
    with pytest.raises(ParameterError) as caught:
        resolve_parameters(define(STEP), {"x": "a"})
    assert caught.value.hint == "the definition declares no parameters"


def test_every_parameter_is_there_in_the_order_of_the_file():
    """What is stored with the job is complete: no placeholder meets a hole."""
    job = define("[params.b]\ndefault = '1'\n[params.a]\ntype = 'int'\n" + STEP)
    assert list(resolve_parameters(job, {"a": "2"}).items()) == [("b", "1"), ("a", 2)]


DECLARATIONS = [
    ("type = 'integer'", "type: must be one of 'string', 'int'"),
    ("typ = 'int'", "unknown key 'typ'"),
    ("secret = 1", "secret: must be true or false, not 1"),
    ("type = 'bool'\nsecret = true", "secret: does not go with type 'bool'"),
    ("type = 'int'\nsecret = true\ndefault = 99887766", "default: a secret number has none"),
    ("secret = true\ndefault = 'abc'", "is shorter than 4 characters, and could not be masked"),
    ("required = 'yes'", "required: must be true or false, not 'yes'"),
    ("required = true\ndefault = 'a'", "has both required and default"),
    ("type = 'int'\ndefault = '5'", "default: must be an integer, not '5'"),
    ("type = 'int'\ndefault = 5\nmax = 4", "default: must be at most 4, not 5"),
    ("default = 'c'\nchoices = ['a']", "default: must be one of 'a', not 'c'"),
    ("default = 'b'\npattern = 'a'", "default: must match the pattern 'a', not 'b'"),
    ("type = 'list'\ndefault = 'a'", "default: must be a list, not 'a'"),
    ("choices = []", "choices: must be a list of at least one value, not a list"),
    ("choices = 'a'", "choices: must be a list of at least one value, not 'a'"),
    ("type = 'int'\nchoices = ['a']", "choices: item 1: must be an integer, not 'a'"),
    ("pattern = '('", "pattern: not a regular expression: '('"),
    ("pattern = 'a{99999999999999999999}'", "pattern: not a regular expression"),
    (f"pattern = '{'(' * 20000}'", "pattern: not a regular expression"),
    ("type = 'int'\npattern = 'a'", "pattern: does not go with type 'int'"),
    ("min = 1", "min: does not go with type 'string'"),
    ("type = 'int'\nmin = 1.5", "min: must be an integer, not 1.5"),
    ("type = 'int'\nmin = 2\nmax = 1", "min 2 is greater than max 1"),
    ("description = 1", "description: must be a string, not 1"),
]


@pytest.mark.parametrize(("declaration", "message"), DECLARATIONS)
def test_a_declaration_that_contradicts_itself_is_refused(declaration, message):
    """A parameter's mistakes show when the file is checked, not when somebody uses it."""
    with pytest.raises(DefinitionError) as caught:
        declared(declaration)
    assert caught.value.message.startswith("job.toml: params.p")
    assert message in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "message"),
    [("params = 1", "params: must be a table"), ("[params]\nx = 1", "params: x: must be a table, not 1")],
)
def test_params_must_be_tables(text, message):
    """`[params] x = 1` says how to write it."""
    with pytest.raises(DefinitionError) as caught:
        define(text + STEP)
    assert message in caught.value.message
    assert "[params." in caught.value.hint


def test_a_pattern_that_python_warns_about_is_quiet():
    """Checking a file prints nothing but its errors."""
    assert declared("pattern = '[[a]b]+'").parameters[0].pattern == "[[a]b]+"


def test_assignments():
    """The value keeps its own `=`; a missing one is told."""
    assert split_assignment("a=b=c") == ("a", "b=c")
    assert split_assignment("a=") == ("a", "")
    for text in ("a", "=a", " =a", ""):
        with pytest.raises(UsageError, match="must be KEY=VALUE"):
            split_assignment(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@given(st.sampled_from(["string", "int", "float", "bool", "list", "path"]), JSON)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_json_is_taken_or_refused(kind, value):
    """Whatever a request's body holds, the answer is a value of the type or one error."""
    job = declared(f"type = '{kind}'")
    try:
        found = resolve_parameters(job, {"p": value})["p"]
    except ParameterError:
        return
    python = {"string": str, "int": int, "float": float, "bool": bool, "list": list, "path": str}[kind]
    assert found is None or type(found) is python
    assert resolve_parameters(job, {"p": found}, parse_text=False) == {"p": found}
