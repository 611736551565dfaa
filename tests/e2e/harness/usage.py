"""What a process uses."""

import os
import pathlib


def cpu_seconds(pid: int) -> float:
    """Of all its threads, since it began."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
