"""Files that steps leave: kept with the job, and named by whoever shows the job."""

from shells import Shell

from quaero_cli.store.artifacts import MAX_LISTED, listing


def test_they_are_listed_with_step_name_and_size(tmp_path):
    """A report would lie in a folder that nobody knows."""
    shell = Shell(tmp_path)
    shell.run("run", shell.define("files", r"""
        [step.b]
        type = "shell"
        command = '''
        cd "$QUAERO_ARTIFACTS"; mkdir -p deep/er; printf 12345 >deep/er/report.txt; : >empty
        ln -s /etc/passwd link; echo x >"$(printf 'odd\377\033[31mname')"
        echo key=value >"$QUAERO_OUTPUT"
        '''
        [step.a]
        type = "shell"
        depends = ["b"]
        command = "echo hello >$QUAERO_ARTIFACTS/out.txt"
    """))  # fmt: skip
    files = shell.json("show", "last")["artifacts"]
    assert files == [
        {"step": "a", "name": "out.txt", "bytes": 6},
        {"step": "b", "name": "empty", "bytes": 0},
        {"step": "b", "name": "odd\\xff\x1b[31mname", "bytes": 2},
        {"step": "b", "name": "deep/er/report.txt", "bytes": 5},
    ]
    page = shell.run("show", "last").stdout
    assert "deep/er/report.txt" in page
    assert "\x1b" not in page, "a file's name must not steer the terminal"
    with shell.serving() as server:
        job = server.get("/api/jobs")["jobs"][0]["id"]
        assert server.get(f"/api/jobs/{job}")["artifacts"] == files


def test_very_many_are_cut(tmp_path):
    """A step that leaves a million files would make its page unusable."""
    folder = tmp_path / "artifacts" / "aaaa" / "step"
    folder.mkdir(parents=True)
    for number in range(MAX_LISTED + 5):
        (folder / f"{number:04}").touch()
    assert len(listing(tmp_path / "quaero.db", "aaaa")) == MAX_LISTED
    assert listing(tmp_path / "quaero.db", "none") == []
