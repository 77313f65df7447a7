"""Runs a command and prints its wall time in seconds and its peak memory in MB.

A process of its own, and a small one: Linux counts the memory of whoever forks into the peak of the forked.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time


def main(command: list[str]) -> int:
    """Run the command with its stdout thrown away; end as it ends."""
    begun = time.perf_counter()
    code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
    seconds = time.perf_counter() - begun
    unit = 1 if sys.platform == "darwin" else 1024
    print(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1024**2)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
