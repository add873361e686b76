"""What the machine is, and what a process of it uses: read from /proc, where all the rest cannot be asked for."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a run took place. `load`: of the last minute, before the run."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    sqlite: str
    load: float


def describe() -> Machine:
    """Look at this machine."""
    import pysqlite3

    return Machine(
        processor=_field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        sqlite=pysqlite3.sqlite_version,
        load=round(os.getloadavg()[0], 1),
    )


def cpu_seconds(process_id: int) -> float:
    """Return the processor time that a process has used. Its children do not count."""
    text = Path(f"/proc/{process_id}/stat").read_text()
    fields = text.rpartition(")")[2].split()  # the command before it may hold blanks
    return (int(fields[11]) + int(fields[12])) / _TICKS


def loop_nanoseconds(process_id: int) -> int:
    """Return the processor time of a process's main thread: exact, where `cpu_seconds` counts in ticks."""
    return int(Path(f"/proc/{process_id}/schedstat").read_text().split()[0])


def memory_mb(process_id: int) -> float:
    """Return the resident memory of a process."""
    return _kilobytes(process_id, "VmRSS")


def peak_memory_mb(process_id: int) -> float:
    """Return the most resident memory that a process ever had."""
    return _kilobytes(process_id, "VmHWM")


def _kilobytes(process_id: int, name: str) -> float:
    return int(_field(Path(f"/proc/{process_id}/status"), name).split()[0]) * 1024 / _MEGABYTE


def _field(path: Path, name: str) -> str:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
