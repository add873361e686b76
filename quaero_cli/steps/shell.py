"""The step type `shell`: runs a command and reads the outputs that it leaves.

Placeholders are resolved, and quoted as one word each, before the command gets here. The child itself - its process
group, its lines, its end - is the engine's (`StepContext.run_process`); what it may write into `$QUAERO_OUTPUT` is
read here.
"""

import os
import re
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from quaero_cli.steps.contract import MAX_OUTPUT_BYTES, StepContext, StepFailed

# What a later step may write as {steps.NAME.outputs.KEY}.
_KEY = re.compile(r"[A-Za-z0-9_-]+")
# A shell reports a command of its own that signal N ended as 128 + N.
_SHELL_SIGNAL = 128
_SHELL_WORDS = {126: "a command cannot be run", 127: "a command was not found"}


SERVICE = "started"


async def shell(
    ctx: StepContext,
    *,
    command: str | list[str],
    shell: str = "sh",
    working_dir: str | None = None,
    env: dict[str, str] | None = None,
    levels: bool = False,
) -> Mapping[str, Any]:
    """Run a command; its stdout and stderr are logged line by line, and any exit code but 0 fails the step.

    It starts in the folder of the definition file, in a process group of its own, with an empty standard input. Its
    environment is quaero's, with the definition's `[env]` and `[secrets]`, this step's `env`, `$QUAERO_JOB_ID` and
    `$QUAERO_STEP`. Whatever it leaves running in the background is ended when it ends.

    `$QUAERO_OUTPUT` names a file for the step's outputs: lines KEY=VALUE, or one JSON object. A VALUE that is a JSON
    array or object is read as one, any other is text. `$QUAERO_ARTIFACTS` names a folder for files to be kept with
    the job.

    command: a line for the shell, or a list of words that runs without one
    shell: the shell that gets the line after -c
    working_dir: where to run, from the definition's folder
    env: more environment variables
    levels: read the level of each line, from JSON or from `LEVEL message`
    """
    words = [shell, "-c", command] if isinstance(command, str) else command
    with _output_file(ctx) as output:
        names = {
            "QUAERO_JOB_ID": ctx.job_id,
            "QUAERO_STEP": ctx.step_name,
            "QUAERO_OUTPUT": str(output),
            "QUAERO_ARTIFACTS": str(ctx.artifacts),
        }
        code = await ctx.run_process(
            words,
            env={**(env or {}), **names},
            cwd=ctx.directory / working_dir if working_dir else None,
            read_levels=levels,
        )
        if code != 0:
            raise _exit_failure(code)
        return read_outputs(output)


@contextmanager
def _output_file(ctx: StepContext) -> Iterator[Path]:
    """An empty file of this run's own, several of which may belong to one step; removed afterwards."""
    descriptor, name = tempfile.mkstemp(prefix=f".output-{ctx.step_name}-", dir=ctx.state_directory)
    os.close(descriptor)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _exit_failure(code: int) -> StepFailed:
    if code < 0:
        return StepFailed(f"killed by {_signal_name(-code)}")
    return StepFailed(f"exit code {code}", hint=_exit_hint(code))


def _exit_hint(code: int) -> str | None:
    """Return what a shell means by a code; None for one that is the program's own."""
    if code in _SHELL_WORDS:
        return f"{code} is how a shell says that {_SHELL_WORDS[code]}"
    name = _signal_name(code - _SHELL_SIGNAL)
    return f"{code} is how a shell reports {name}" if name.startswith("SIG") else None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def read_outputs(path: Path) -> dict[str, Any]:
    """Read a file of outputs. Raises StepFailed with the file and the line for what is neither of its two forms."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_OUTPUT_BYTES + 1)
    except OSError as error:
        raise StepFailed(f"$QUAERO_OUTPUT cannot be read: {error.strerror}") from error
    if len(content) > MAX_OUTPUT_BYTES:
        hint = "leave files in the folder $QUAERO_ARTIFACTS"
        raise StepFailed(f"$QUAERO_OUTPUT is larger than {MAX_OUTPUT_BYTES} bytes", hint=hint)
    if content.lstrip().startswith(b"{"):
        return _read_object(content)
    outputs: dict[str, Any] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            key, value = _read_line(line.removesuffix(b"\r"), number)
            outputs[key] = value
    return outputs


def _read_object(content: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise StepFailed(f"$QUAERO_OUTPUT line {error.lineno}: not JSON: {error.msg}") from error
    assert isinstance(value, dict)
    return value


def _read_line(line: bytes, number: int) -> tuple[str, object]:
    place = f"$QUAERO_OUTPUT line {number}"
    try:
        key, equals, value = line.decode().partition("=")
    except UnicodeDecodeError as error:
        raise StepFailed(f"{place}: not UTF-8: {line[:40]!r}") from error
    if "\0" in value:
        raise StepFailed(f"{place}: the value holds a NUL character")
    if not equals or _KEY.fullmatch(key) is None:
        hint = "write KEY=VALUE lines, the keys of letters, digits, _ and -, or one JSON object"
        raise StepFailed(f"{place}: not KEY=VALUE: {line[:40].decode(errors='replace')!r}", hint=hint)
    return key, _read_value(value)


def _read_value(text: str) -> object:
    if text.lstrip()[:1] in ("[", "{"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text  # text that begins with a bracket
    return text
