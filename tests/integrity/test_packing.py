"""Models as single files: what went in comes out, and nothing that a stranger may have put into one does harm."""

from __future__ import annotations

import os
import pickle
import shutil
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import rnnstore
from rnnstore.integrity import unpacking
from rnnstore.integrity.checking import check
from rnnstore.integrity.packing import pack
from rnnstore.integrity.unpacking import unpack
from rnnstore.networks import open_network
from rnnstore.store import card as cards
from tests.support.damage import full_model, run, sentence
from tests.support.worlds import record


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return full_model(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def packed(model, tmp_path_factory):
    return pack(model, tmp_path_factory.mktemp("packed") / "full.zip")


@pytest.fixture
def store(tmp_path):
    return rnnstore.open(tmp_path / "there")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def nothing_in(store: rnnstore.Store) -> bool:
    """Whether the store's folder holds no model and nothing left of one."""
    if not store.path.exists():
        return True
    return {entry.name for entry in store.path.iterdir()} <= {".locks"}


# There and back


def test_a_model_comes_back_as_it_went(model, packed, store):
    assert unpack(store, packed) == "full"
    assert contents(store.path / "model=full") == contents(model)
    assert unpack(store, packed, "again") == "again"
    assert list(store.models) == ["again", "full"]
    report = check(store.path / "model=again", full=True)
    assert report.findings == () and report.files == 20
    assert open_network(store.model("again")).words == list("()01234")


def test_the_same_model_gives_the_same_bytes(model, packed, tmp_path):
    for path in model.rglob("*"):
        os.utime(path, (1, 1))
    assert pack(model, tmp_path / "once more.zip").read_bytes() == packed.read_bytes()


def test_other_programs_can_test_and_unpack_it(packed, tmp_path):
    """The checksums of the archive are those of the card, and its folder is a model's."""
    subprocess.run([sys.executable, "-m", "zipfile", "-t", packed], check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "zipfile", "-e", packed, tmp_path], check=True)
    assert check(tmp_path / "model=full").findings == ()
    card = rnnstore.open(tmp_path).model("full").card
    with zipfile.ZipFile(packed) as archive:
        sums = {member.filename: f"{member.CRC:08x}" for member in archive.infolist()}
    for file in (*(part for parts in card.files.values() for part in parts), *card.own_files):
        assert sums[f"model=full/{file.path}"] == file.crc32


def test_a_model_without_checksums_gets_them_on_its_way(tmp_path, store):
    record(tmp_path / "old")
    model = tmp_path / "old" / "model=small"
    card = cards.read_card(model)
    files = {key: [part.model_dump() | {"crc32": ""} for part in parts] for key, parts in card.files.items()}
    cards.write_card(model, cards.Card.model_validate(card.model_dump() | {"files": files}))
    (model / "notes").mkdir()
    (model / "notes" / "by hand.txt").write_text("kept")
    (model / "notes" / ".hidden").write_text("not kept")
    unpack(store, pack(model, tmp_path / "x.zip"))
    assert check(store.path / "model=small").findings == ()
    assert contents(store.path / "model=small").keys() >= {"notes/by hand.txt"}
    assert not (store.path / "model=small" / "notes" / ".hidden").exists()


def test_the_commands(model, tmp_path):
    done = run("pack", "full", tmp_path / "x.zip", "--store", model.parent)
    assert done.stdout.startswith(f"full has been packed into {tmp_path / 'x.zip'} (") and done.stderr == ""
    again = sentence(run("pack", "full", tmp_path / "x.zip", "--store", model.parent))
    assert again.startswith(f"There is a file {tmp_path / 'x.zip'} already")
    done = run("unpack", tmp_path / "x.zip", "--store", tmp_path / "store", "--name", "other")
    assert done.stdout == f"other has been unpacked into {tmp_path / 'store'}.\n"
    twice = sentence(run("unpack", tmp_path / "x.zip", "--store", tmp_path / "store", "--name", "other"))
    assert twice.startswith("There is a model 'other' already")
    assert "cannot name a model" in sentence(run("unpack", tmp_path / "x.zip", "--name", "../up"))
    assert "There is no file" in sentence(run("unpack", tmp_path / "y.zip"))
    assert "cannot be written" in sentence(run("pack", "full", tmp_path / "no" / "x.zip", "--store", model.parent))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "x.zip"]


def test_a_damaged_model_is_not_packed(model, tmp_path):
    copy = shutil.copytree(model, tmp_path / "model=full")
    weights = copy / "network" / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(rnnstore.DamagedModel, match=r"weights\.npz is damaged: its checksum is .* Nothing was packed"):
        pack(copy, tmp_path / "x.zip")
    weights.unlink()
    (copy / "card.json").write_bytes((copy / "card.json").read_bytes().replace(b"Brackets", b"Hackers!"))
    with pytest.raises(rnnstore.DamagedModel, match=r"card\.json was changed"):
        pack(copy, tmp_path / "x.zip")
    shutil.copy(model / "card.json", copy)
    with pytest.raises(rnnstore.DamagedModel, match=r"lacks the file network/weights\.npz"):
        pack(copy, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


# Archives that are damaged, or made to do harm


@pytest.mark.long
def test_no_changed_byte_comes_in_unnoticed(packed, tmp_path, store):
    """Each archive is refused with a sentence, or the byte is one that means nothing and what comes in is right."""
    content, random = packed.read_bytes(), np.random.default_rng(4)
    refused = 0
    for number in range(150):
        place = int(random.integers(len(content) - 4000, len(content)) if number % 2 else random.integers(len(content)))
        changed = bytearray(content)
        changed[place] ^= int(random.integers(1, 256))
        (tmp_path / "x.zip").write_bytes(changed)
        try:
            name = unpack(store, tmp_path / "x.zip")
        except rnnstore.StoreError as error:
            refused += 1
            assert str(error).endswith("`pack` writes such files.") or "cannot name a model" in str(error), place
            assert nothing_in(store)
        else:
            assert check(store.path / f"model={name}").findings == ()
            store.delete(name)
    assert refused > 130


@pytest.mark.parametrize("kept", [0, 1, 21, 22, 1000, -1, -22, -2000])
def test_a_truncated_file_is_refused(packed, tmp_path, store, kept):
    (tmp_path / "x.zip").write_bytes(packed.read_bytes()[:kept])
    with pytest.raises(rnnstore.DamagedModel, match=r"its end is missing|no packed model"):
        unpack(store, tmp_path / "x.zip")
    assert nothing_in(store)


def rebuilt(packed: Path, target: Path, change) -> Path:
    """The archive once more, with the (name, content, ZipInfo) of every member as `change` makes a list of them."""
    with zipfile.ZipFile(packed) as archive:
        members = [(info.filename, archive.read(info), info) for info in archive.infolist()]
    with zipfile.ZipFile(target, "w") as archive:
        for name, content, info in change(members):
            new = zipfile.ZipInfo(name)
            new.filename = name  # as it is, whatever ZipInfo would make of it
            new.external_attr, new.compress_type = info.external_attr, info.compress_type
            archive.writestr(new, content)
    return target


def more(name, content=b"x", **facts):
    """A change that adds a member."""

    def change(members):
        info = zipfile.ZipInfo("x")
        info.external_attr = 0o100644 << 16
        for fact, value in facts.items():
            setattr(info, fact, value)
        return [*members, (name, content, info)]

    return change


def renamed(old, new):
    return lambda members: [(name.replace(old, new), content, info) for name, content, info in members]


ATTACKS = {
    "climbs out": (more("model=full/../../x"), "leads out of the model's folder"),
    "climbs out at once": (more("../x"), "leads out"),
    "is absolute": (more("/tmp/x"), "leads out"),
    "is absolute after the folder": (more("model=full//tmp/x"), "leads out"),
    "has a drive": (more("model=full/C:/x"), "characters that no file"),
    "has backslashes": (more("model=full\\..\\..\\x"), "characters that no file"),
    "has a NUL": (more("model=full/network/x\0.npz"), "characters that no file"),
    "has a line break": (more("model=full/network/x\ny"), "characters that no file"),
    "is hidden": (more("model=full/.ssh/authorized_keys"), "is hidden"),
    "is the lock": (more(".locks/full.lock"), "is hidden"),
    "is the folder": (more("model=full"), "is in no folder"),
    "is a folder": (more("model=full/network/"), "leads out of the model's folder, or is hidden or no file"),
    "is a link": (more("model=full/network/x", b"/etc", external_attr=(stat.S_IFLNK | 0o777) << 16), "is a link"),
    "is a device": (more("model=full/network/x", external_attr=(stat.S_IFCHR | 0o666) << 16), "a device"),
    "is a pipe": (more("model=full/network/x", external_attr=(stat.S_IFIFO | 0o666) << 16), "a device"),
    "is of another model": (more("model=other/network/x"), "in another one than the rest"),
    "is of none": (more("x"), "is in no folder"),
    "is there twice": (more("model=full/network/network.json"), "is in it twice"),
    "differs by case": (more("model=full/network/Network.json"), "is in it twice"),
    "differs by composition": (
        lambda members: more("model=full/a/é")(more("model=full/a/é")(members)),
        "is in it twice",
    ),
    "is a file and a folder": (more("model=full/network/network.json/x"), "is a file and a folder"),
    "is deep": (more("model=full/" + "a/" * 20 + "x"), "too long a name"),
    "is long": (more("model=full/network/" + "x" * 300), "too long a name"),
    "is compressed": (more("model=full/network/x", bytes(10**7), compress_type=zipfile.ZIP_DEFLATED), "is compressed"),
    "is not listed": (more("model=full/network/x.pkl"), "holds, beside what its card lists, the file 'network/x.pkl'"),
    "names no model": (renamed("model=full", "model=-"), "its folder is called 'model=-'"),
    "lacks its card": (lambda members: members[:-1], "it holds no card.json"),
    "lacks a table": (lambda members: members[1:], "it lacks the file"),
    "is empty": (lambda members: [], "it is empty"),
    "has another file": (
        lambda members: [(name, b"x" if "weights" in name else content, info) for name, content, info in members],
        "'network/weights.npz' is not the file that its card lists",
    ),
    "has a card of its own": (
        lambda members: [(n, c.replace(b"Brackets", b"Hackers!") if "card" in n else c, i) for n, c, i in members],
        "its card.json was changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ATTACKS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_made_to_do_harm_is_refused(packed, tmp_path, store, what):
    change, expected = ATTACKS[what]
    outside = tmp_path / "outside"
    outside.mkdir()
    before = sorted(tmp_path.rglob("*"))
    made = rebuilt(packed, outside / "x.zip", change)
    with pytest.raises(rnnstore.DamagedModel) as refused:
        unpack(store, made)
    assert expected in str(refused.value)
    assert str(refused.value).startswith(f"{made} was not unpacked: ") and "\n" not in str(refused.value)
    made.unlink()
    assert nothing_in(store) and sorted(set(tmp_path.rglob("*")) - set(store.path.rglob("*")) - {store.path}) == before


def resealed(model: Path, target: Path, **changes) -> Path:
    """A packed model whose card says something else and is sealed anew, as who wants to do harm would."""
    card = cards.read_card(model)
    changed = cards.Card.model_validate(card.model_dump() | changes)
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in contents(model).items():
            archive.writestr(f"model=full/{path}", cards.text_of(changed) if path == "card.json" else content)
    return target


def test_a_card_cannot_lead_out_either(model, tmp_path, store):
    files = cards.read_card(model).files
    inside = {key: [part.model_dump() for part in parts] for key, parts in files.items()}
    for path in ("../x", "/etc/passwd", "a/../../x", "a\\..\\x"):
        with pytest.raises(ValueError, match="outside the model's folder"):
            resealed(model, tmp_path / "x.zip", files=inside | {"training": [inside["training"][0] | {"path": path}]})
    tables = [inside["tokens"][0] | {"crc32": inside["tokens"][0]["crc32"]}]
    made = resealed(model, tmp_path / "y.zip", own_files=[{k: tables[0][k] for k in ("path", "bytes", "crc32")}])
    with pytest.raises(rnnstore.DamagedModel, match="a file beside the tables"):
        unpack(store, made)
    assert nothing_in(store)


def test_a_small_file_that_says_it_is_large_is_refused(packed, tmp_path, store):
    """A member that says it has terabytes; members that share their bytes; a list of a million names."""
    content = packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        place = archive.start_dir
    huge = bytearray(content)
    struct.pack_into("<LL", huge, place + 20, 0xFFFFFFF0, 0xFFFFFFF0)
    (tmp_path / "x.zip").write_bytes(huge)
    with pytest.raises(rnnstore.DamagedModel, match=r"shares its bytes|larger than the archive"):
        unpack(store, tmp_path / "x.zip")
    shared = bytearray(content)
    with zipfile.ZipFile(packed) as archive:
        first, *_ = archive.infolist()
    length = struct.unpack_from("<HHH", shared, place + 28)
    struct.pack_into("<L", shared, place + 46 + sum(length) + 42, first.header_offset)
    (tmp_path / "x.zip").write_bytes(shared)
    with pytest.raises(rnnstore.DamagedModel, match=r"shares its bytes|no packed model"):
        unpack(store, tmp_path / "x.zip")
    many = bytearray(content)
    struct.pack_into("<HH", many, len(many) - 14, 0xFFFF, 0xFFFF)
    struct.pack_into("<L", many, len(many) - 10, 0x7FFFFFFF)
    (tmp_path / "x.zip").write_bytes(many)
    with pytest.raises(rnnstore.DamagedModel, match="it lists 65,535 files"):
        unpack(store, tmp_path / "x.zip")
    assert nothing_in(store)


def test_too_many_files_are_refused_before_they_are_listed(tmp_path, store, monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_FILES", 500)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number in range(501):
            archive.writestr(f"model=a/b/{number}", b"")
    with pytest.raises(rnnstore.DamagedModel, match="it lists 501 files; at most 500"):
        unpack(store, tmp_path / "x.zip")


def test_what_does_not_fit_on_the_disk_is_told_before_anything_is_written(packed, store, monkeypatch):
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(rnnstore.DiskFull, match=r"needs .* bytes, and 1 are free"):
        unpack(store, packed)
    assert nothing_in(store)


class Bomb:
    """Unpickled, it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_of_a_model_is_executed(model, tmp_path, store):
    """Weights that are pickled objects, in a model that is right in everything else."""
    copy = shutil.copytree(model, tmp_path / "source" / "model=full")
    burst = tmp_path / "burst"
    with np.load(copy / "network" / "weights.npz") as kept:
        arrays = dict(kept)
    arrays["layer1.bias"] = np.array([Bomb(burst)] * len(arrays["layer1.bias"]), object)
    with rnnstore.open(copy.parent).writer("full") as writer:
        folder = writer.folder("network")
        np.savez(folder / "weights.npz", **arrays)
        (folder / "more.pkl").write_bytes(pickle.dumps(Bomb(burst)))
    unpack(store, pack(copy, tmp_path / "x.zip"))
    (finding,) = check(store.path / "model=full").findings
    assert finding.where == "network/weights.npz" and finding.damage
    with pytest.raises(rnnstore.DamagedModel, match=r"weights\.npz"):
        open_network(store.model("full"))
    store.sql("select count(*) from tokens")
    assert not burst.exists()
    with pytest.raises(FileExistsError):  # the bomb works
        pickle.loads((store.path / "model=full" / "network" / "more.pkl").read_bytes())
        pickle.loads((store.path / "model=full" / "network" / "more.pkl").read_bytes())
