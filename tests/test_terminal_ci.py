"""How the log is grouped for CI services: what is folded away, and what must not be."""

import pytest
from terminal_facts import entry

from quaero_cli.terminal.ci import Groups, folding_for

SERVICES = {
    "GITHUB_ACTIONS": ("::group::one", "::endgroup::"),
    "GITLAB_CI": ("section_start:7:one_1\r\x1b[0Kone", "section_end:7:one_1\r\x1b[0K"),
    "TF_BUILD": ("##[group]one", "##[endgroup]"),
    "BUILDKITE": ("--- one", None),
}


def grouped(variable, *steps):
    """Return the lines of entries of these steps (None: the runner's), each shown as its step's name."""
    groups = Groups(folding_for({variable: "true"}), lambda: 7.9)
    entries = [entry(number, step_name=step) for number, step in enumerate(steps, 1)]
    return (groups.batch(entries, lambda each: f"{each.get('step_name')}\n") + groups.close()).split("\n")[:-1]


@pytest.mark.parametrize("variable", SERVICES)
def test_each_service_has_its_own_words(variable):
    """Its page would show the words themselves, and fold nothing."""
    opening, closing = SERVICES[variable]
    assert grouped(variable, "one") == [opening, "one", *([closing] if closing else [])]


def test_how_a_job_ended_is_never_folded_away():
    """The one line that everybody looks for would be inside the group of whatever step was last."""
    lines = grouped("GITHUB_ACTIONS", None, "one", "two", "one", None, "one", None)
    assert lines == [
        "None", "::group::one", "one", "::endgroup::", "::group::two", "two", "one", "::endgroup::", "None",
        "::group::one", "one", "::endgroup::", "None",
    ]  # fmt: skip


def test_no_two_sections_have_one_name():
    """GitLab would fold the second one into the first."""
    lines = grouped("GITLAB_CI", "a b", None, "a b")
    assert [line.split(":")[2] for line in lines if line.startswith("section_start")] == [
        "a_b_1\r\x1b[0Ka b", "a_b_2\r\x1b[0Ka b",
    ]  # fmt: skip


def test_who_does_not_announce_itself_gets_no_groups():
    """A plain pipe would be full of marks."""
    assert folding_for({}) is None
    assert folding_for({"GITHUB_ACTIONS": "false"}) is None
