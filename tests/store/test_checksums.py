"""Checksums: of every file, taken while it is written, equal to those of the finished file."""

from __future__ import annotations

import binascii
import json
import zipfile
import zlib

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

import rnnstore
from rnnstore.store import card, checksums
from tests.support.worlds import record


def crc(content: bytes) -> str:
    return f"{binascii.crc32(content):08x}"


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_joined_checksums_are_those_of_the_joined_bytes(first, second):
    assert checksums.joined(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


def test_the_header_of_a_gigabyte_is_joined_without_reading_it():
    zeros = bytes(1 << 20)
    whole = zlib.crc32(b"header")
    for _ in range(64):
        whole = zlib.crc32(zeros, whole)
    rest = 0
    for _ in range(64):
        rest = zlib.crc32(zeros, rest)
    assert checksums.joined(zlib.crc32(b"header"), rest, 64 << 20) == whole


def test_every_file_of_a_model_has_the_checksum_of_its_bytes(tmp_path, monkeypatch):
    """Blocks of 2^15 steps here, so that there is a block that is full and one that is not."""
    for module in ("blocks", "series"):
        monkeypatch.setattr(f"rnnstore.store.{module}.STEPS_PER_BLOCK", 1 << 15)
    steps = 40_000
    values = np.random.default_rng(0).normal(size=(steps, 3)).astype(np.float32)
    store = record(tmp_path, words=["a", "b"] * (steps // 2), states={"s": values}, annotations={"n": values[:, 0]})
    with store.writer("small") as writer:
        (writer.folder("network") / "weights.bin").write_bytes(b"weights")
        writer.append({"training": pa.table({name: [1] for name in pa_names("training")})})
        writer.replace("memory_of_properties", pa.table({n: [] for n in pa_names("memory_of_properties")}), "s")
    folder = tmp_path / "model=small"
    written = card.read_card(folder)
    blocks = [block for blocks in written.files.values() for block in blocks]
    assert len(written.files["vectors/s"]) == 2 and len(written.files) == 8
    assert {block.path: block.crc32 for block in (*blocks, *written.own_files)} == {
        path.relative_to(folder).as_posix(): crc(path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and path.name != "card.json"
    }
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:  # what other programs say of the same bytes
        archive.write(folder / blocks[0].path)
        assert f"{archive.infolist()[0].CRC:08x}" == blocks[0].crc32


def pa_names(table):
    from rnnstore.store.tables import TABLES

    return TABLES[table].schema.names


def test_a_card_knows_its_own_checksum(tmp_path):
    record(tmp_path, description='a quote " and {"crc32": ""}')
    content = (tmp_path / "model=small" / "card.json").read_bytes()
    assert card.is_as_written(content) is True
    for place in range(len(content) - 14):
        assert card.is_as_written(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]) is not True
    assert card.is_as_written(json.dumps(json.loads(content)).encode()) is None


def test_own_files_have_no_checksum_while_they_may_change(tmp_path):
    """A writer that is killed leaves a card that says nothing of them, not one that is wrong."""
    store = record(tmp_path)
    with store.writer("small") as writer:
        (writer.folder("network") / "a").write_text("1")
        (writer.folder("notes") / "b").write_text("2")
    assert [file.path for file in rnnstore.open(tmp_path).model("small").card.own_files] == ["network/a", "notes/b"]
    with store.writer("small") as writer:
        (writer.folder("network") / "a").write_text("other")
        assert [file.path for file in rnnstore.open(tmp_path).model("small").card.own_files] == ["notes/b"]
    found = rnnstore.open(tmp_path).model("small").card.own_files
    assert [(file.path, file.bytes, file.crc32) for file in found] == [
        ("notes/b", 1, crc(b"2")),
        ("network/a", 5, crc(b"other")),
    ]
