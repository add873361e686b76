"""Which file an id means, over folders, and what the list of definitions tells."""

import os

import pytest
from jobfiles import TYPES

from quaero_cli.errors import DefinitionError, NotFoundError
from quaero_cli.jobdef.find import find, listing

STEP = "[step.a]\ntype = 'shell'\ncommand = 'true'\n"


@pytest.fixture
def folders(tmp_path):
    """Three folders, as the command line has them; the second one does not exist."""
    names = [tmp_path / name for name in ("mine", "absent", "shipped")]
    for folder in (names[0], names[2]):
        folder.mkdir()
    return names


def write(folder, name, text=STEP):
    path = folder / name
    path.write_text(text)
    return path


def test_the_first_folder_wins(folders):
    """A person's own definition goes before the shipped one of that name."""
    mine = write(folders[0], "hello.toml")
    shipped = write(folders[2], "hello.toml")
    other = write(folders[2], "other.toml")
    assert find("hello", folders, TYPES).path == mine
    assert find("other", folders, TYPES).path == other
    told = [(item.id, item.path, item.shadowed_by) for item in listing(folders, TYPES)]
    assert told == [("hello", mine, None), ("hello", shipped, mine), ("other", other, None)]


def test_the_id_key_counts_not_the_file_name(folders):
    """A file can be renamed without its jobs losing their name."""
    path = write(folders[0], "file.toml", "id = 'real'\n" + STEP)
    assert find("real", folders, TYPES).path == path
    with pytest.raises(NotFoundError):
        find("file", folders, TYPES)


def test_a_path_is_taken_as_it_is(folders, tmp_path):
    """A definition need not lie in a known folder."""
    path = write(tmp_path, "elsewhere.toml")
    assert find(str(path), folders, TYPES).path == path
    with pytest.raises(NotFoundError, match=r"no such file: '/none\.toml'"):
        find("/none.toml", folders, TYPES)


def test_an_unknown_id_names_the_nearest(folders):
    """A typing error costs one line of reading."""
    write(folders[2], "hello.toml")
    with pytest.raises(NotFoundError) as caught:
        find("helo", folders, TYPES)
    assert str(caught.value) == "no definition with the id 'helo'"
    assert caught.value.hint == "did you mean 'hello'?"
    with pytest.raises(NotFoundError) as caught:
        find("x", folders[:2], TYPES)
    assert caught.value.hint == f"looked in {folders[0]}, {folders[1]}"


def test_a_broken_file_stops_neither_the_list_nor_its_neighbours(folders):
    """One bad definition does not take the others away."""
    broken = write(folders[0], "broken.toml", "id = \n")
    wrong = write(folders[0], "wrong.toml", "id = 'named'\nschedul = 1\n" + STEP)
    good = write(folders[0], "good.toml")
    by_path = {item.path: item for item in listing(folders, TYPES)}
    assert list(by_path) == [broken, good, wrong]
    assert (by_path[broken].id, by_path[wrong].id) == ("broken", "named")
    assert "not TOML" in str(by_path[broken].error)
    assert "unknown key 'schedul'" in str(by_path[wrong].error)
    assert by_path[good].error is None
    assert find("good", folders, TYPES).path == good
    for name in ("broken", "named"):
        with pytest.raises(DefinitionError):
            find(name, folders, TYPES)


def test_a_broken_file_does_not_give_way_in_silence(folders):
    """A typing error in my definition must not run the shipped one instead."""
    mine = write(folders[0], "hello.toml", "id = \n")
    write(folders[2], "hello.toml")
    with pytest.raises(DefinitionError):
        find("hello", folders, TYPES)
    assert [item.shadowed_by for item in listing(folders, TYPES)] == [None, mine]


def test_two_files_of_one_folder_with_one_id_are_told(folders):
    """Which of the two runs would be luck."""
    one = write(folders[0], "one.toml", "id = 'same'\n" + STEP)
    write(folders[0], "same.toml")
    with pytest.raises(DefinitionError) as caught:
        find("same", folders, TYPES)
    assert str(caught.value) == f"{one}: the id 'same' is also that of same.toml"
    found = listing(folders, TYPES)
    assert [item.definition for item in found] == [None, None]
    assert all("is also that of" in str(item.error) for item in found)


def test_a_folder_named_twice_is_looked_at_once(folders, tmp_path):
    """In a checkout ./jobdefs is the shipped folder, and nothing shadows itself."""
    write(folders[0], "hello.toml")
    link = tmp_path / "link"
    link.symlink_to(folders[0])
    assert [item.shadowed_by for item in listing([folders[0], link], TYPES)] == [None]


def test_other_files_are_passed_over(folders):
    """Notes, hidden files and folders in the definitions' folder are nobody's business."""
    for name in ("notes.txt", ".hidden.toml", "x.toml.bak"):
        write(folders[0], name, "?")
    (folders[0] / "folder.toml").mkdir()
    assert listing(folders, TYPES) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_told(folders):
    """Definitions do not vanish without a word."""
    folders[0].chmod(0)
    try:
        assert "cannot be read" in str(listing(folders, TYPES)[0].error)
    finally:
        folders[0].chmod(0o700)
