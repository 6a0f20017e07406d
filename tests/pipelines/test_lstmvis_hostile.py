"""An LSTMVis folder that means harm: it reaches no file but its own, and no sentence quotes one."""

import h5py
import numpy as np
import pytest

from pipelines import lstmvis
from tests.pipelines import lstmvis_folder

SECRET = "s3cret password"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret.txt").write_text(f"{SECRET}\n")
    with h5py.File(tmp_path / "elsewhere.h5", "w") as file:
        file["states1"] = np.ones((120, 6), np.float32)
    return lstmvis_folder.write(tmp_path / "brackets")


def external_storage(folder):
    with h5py.File(folder.path / "states.h5", "a") as file:
        del file["states1"]
        there = [(str(folder.path.parent / "elsewhere.h5"), 0, 120 * 6 * 4)]
        file.create_dataset("states1", (120, 6), np.float32, external=there)


def external_link(folder):
    folder.replace("states.h5", states1=h5py.ExternalLink("../elsewhere.h5", "/states1"))


def external_group(folder):
    folder.replace("states.h5", lstm=None, group=h5py.ExternalLink("../elsewhere.h5", "/"))
    folder.replace("states.h5", states1=h5py.SoftLink("/group/states1"))


def virtual(folder):
    layout = h5py.VirtualLayout((120, 6), np.float32)
    layout[:] = h5py.VirtualSource(str(folder.path.parent / "elsewhere.h5"), "states1", (120, 6))
    with h5py.File(folder.path / "states.h5", "a") as file:
        del file["states1"]
        file.create_virtual_dataset("states1", layout)


def loop(folder):
    folder.replace("states.h5", states1=h5py.SoftLink("/b"), b=h5py.SoftLink("/states1"))


def wide(folder):
    with h5py.File(folder.path / "states.h5", "a") as file:
        del file["states1"]
        file.create_dataset("states1", (120, 2**31), np.float32, chunks=(1, 1024))


def named(name):
    """The dictionary, whose wrong lines are quoted, is called so."""

    def make(folder):
        (key,) = [key for key, file in folder.yml["files"].items() if file == "words.dict"]
        folder.yml["files"][key] = name.format(outside=folder.path.parent)
        folder.save()

    return make


def symbolic(folder):
    (folder.path / "words.dict").unlink()
    (folder.path / "words.dict").symlink_to(folder.path.parent / "secret.txt")


def symbolic_description(folder):
    (folder.path / "lstm.yml").unlink()
    (folder.path / "lstm.yml").symlink_to(folder.path.parent / "secret.txt")


ATTACKS = {
    "external storage": (external_storage, "keeps its values in external files"),
    "an external link": (external_link, "is an external link"),
    "a link through an external link": (external_group, "is an external link"),
    "a virtual dataset": (virtual, "is a virtual dataset"),
    "a loop of links": (loop, "leads to itself"),
    "a row of 2^31 values": (wide, "values a row are imported"),
    "an absolute name": (named("{outside}/secret.txt"), "leads out of the folder"),
    "a name that leads out": (named("../secret.txt"), "leads out of the folder"),
    "a device": (named("/dev/zero"), "leads out of the folder"),
    "a name with NUL": (named("a\0b"), "NUL"),
    "a symbolic link": (symbolic, "leads out of the folder"),
    "a description that lies elsewhere": (symbolic_description, "leads out of the folder"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_by_name(attack, folder):
    make, sentence = ATTACKS[attack]
    make(folder)
    with pytest.raises(lstmvis.LstmvisError) as error:
        lstmvis.read(folder.path)
    assert sentence in str(error.value) and SECRET not in str(error.value)


def test_a_link_inside_the_file_is_followed(folder):
    folder.replace("states.h5", b=folder.states1, states1=h5py.SoftLink("b"))
    assert lstmvis.read(folder.path).steps == 120
