"""Installs the packages of a requirements file with pip, and says in one line what is being done.

pip alone is either silent for minutes or writes hundreds of lines. This runs before anything is installed, so it needs
nothing but Python itself:

    python rnnstore/commands/installing.py requirements.txt [pip's options]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

_DOWNLOADING = re.compile(r"\s*(?:Downloading|Using cached) (?P<file>\S+)(?: \((?P<size>[\d.]+ [kMG]?B)\))?")
_NAME = re.compile(r"(?:.*/)?(?P<name>[A-Za-z0-9_.]+?)-(?P<version>\d[^-]*)-")


def message_of(line: str) -> str | None:
    """What a line of pip's says to a person who waits; None when it says nothing new.

    >>> message_of("  Downloading tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl (273.8 MB)")
    'downloading tensorflow-cpu 2.21.0 (273.8 MB)'
    >>> message_of("Installing collected packages: wrapt, six, numpy")
    'installing 3 packages'
    >>> message_of("Collecting six>=1.5")
    'looking for six'
    """
    if found := _DOWNLOADING.match(line):
        if found["file"].endswith(".metadata"):
            return None
        named = _NAME.match(found["file"])
        what = f"{named['name'].replace('_', '-')} {named['version']}" if named else found["file"]
        return f"downloading {what}" + (f" ({found['size']})" if found["size"] else "")
    if line.startswith("Installing collected packages:"):
        return f"installing {line.count(',') + 1} packages"
    if line.startswith("Collecting "):
        return f"looking for {re.split(r'[^A-Za-z0-9_.-]', line.split()[1])[0]}"
    return None


def install(requirements: Path, *options: str) -> int:
    """pip's exit code after `pip install -r requirements`, with one line on the terminal that says what is being done.

    Where the output is no terminal, downloads and the installation are written line by line. When pip fails, all that
    it wrote on stderr follows.
    """
    terminal, subject, width = sys.stdout.isatty(), requirements.name, 0
    command = [sys.executable, "-m", "pip", "install", "--progress-bar", "off", "-r", str(requirements), *options]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as written,  # a pipe nobody reads fills up
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=written, text=True) as pip,
    ):
        assert pip.stdout
        for line in pip.stdout:
            message = message_of(line)
            if message is None:
                continue
            if terminal:
                shown = f"{subject}: {message}"[:119]
                print(f"\r{shown:{width}}", end="", flush=True)
                width = len(shown)
            elif not message.startswith("looking"):
                print(f"{subject}: {message}", flush=True)
        pip.wait()
        written.seek(0)
        errors = written.read()
    if terminal and width:
        print(f"\r{'':{width}}\r", end="", flush=True)
    if pip.returncode:
        print(errors.strip(), file=sys.stderr)
        print(
            f"The packages of {requirements} could not be installed. Is there a network, and room on the disk? "
            "What was installed stays, so the next try goes on from there.",
            file=sys.stderr,
        )
    return pip.returncode


if __name__ == "__main__":
    try:
        sys.exit(install(Path(sys.argv[1]), *sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
