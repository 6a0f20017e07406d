"""Runs every measurement of this folder in a process of its own, one after the other."""

import subprocess
import sys
from pathlib import Path

for path in sorted(Path(__file__).parent.glob("bench_*.py")):
    name = f"{__package__}.{path.stem}"
    print(f"== {name}", flush=True)
    if subprocess.run([sys.executable, "-m", name], check=False).returncode:
        sys.exit(f"{name} failed")
