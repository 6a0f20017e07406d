"""Runs every measurement of this folder in a process of its own, one after the other, also behind one that failed."""

import subprocess
import sys
from pathlib import Path

failed = []
for path in sorted(Path(__file__).parent.glob("bench_*.py")):
    name = f"{__package__}.{path.stem}"
    print(f"== {name}", flush=True)
    if subprocess.run([sys.executable, "-m", name], check=False).returncode:
        failed.append(name)
if failed:
    sys.exit(f"Failed: {', '.join(failed)}")
