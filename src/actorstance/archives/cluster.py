"""Ray reads an archive's shards on the machines of a cluster: the same work as `engine.local`, the same files."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from actorstance.archives.engine import AHEAD
from actorstance.archives.shards import Done, Opener, Shard, read_here
from actorstance.errors import InputError
from actorstance.models import Model

TRIES = 3  # times a shard is read again if its process or machine is lost
PATIENCE = 5  # seconds for something to answer at an address
TRIAL = 30  # seconds for that to prove a Ray cluster: connecting takes about three on an idle machine
_TRIAL = "import sys, ray; ray.init(sys.argv[1], log_to_driver=False, logging_level='ERROR'); ray.shutdown()"


def cluster(
    model: Model,
    opener: Opener,
    shards: Iterable[Shard],
    address: str | None = None,
    workers: int | None = None,
    cpus: float = 1,
    gpus: float = 0,
    patience: float = TRIAL,
) -> Iterator[Done]:
    """Read shards on a Ray cluster, one model per worker process. A shard whose worker is lost is read again.

    Args:
        model: what `opener` opens elsewhere; not used here.
        opener: of the model and the actors; the model's folder must be at the same path on every machine.
        shards: see `shards.shards`; they are requested as needed.
        address: of the cluster (`host:6379`, `ray://host:10001`, `auto`); None starts one on this machine.
        workers: of the cluster that is started here; if None, one per processor.
        cpus: processors of each worker.
        gpus: graphics cards of each worker.
        patience: seconds that a cluster has to answer, > 0.

    Yields:
        The shards as they were read, in order, each once.

    Raises:
        InputError: if Ray is not installed, nothing answers, or a shard could not be read after all attempts.

    """
    try:
        import ray
        from ray.exceptions import RayError, RayTaskError
    except ImportError as error:
        raise InputError("a cluster needs Ray: pip install 'actorstance[ray]'.") from error
    for name, value, least in (("cpus", cpus, "above 0"), ("gpus", gpus, "of at least 0")):
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or (name == "cpus" and not value):
            raise InputError(f"{name}={value!r}: expected a number {least}.")
    _connect(ray, address, workers, patience)
    try:
        machines = [one["Resources"] for one in _machines(ray) if one["Alive"]]
        if not any(one.get("CPU", 0) >= cpus and one.get("GPU", 0) >= gpus for one in machines):
            there = "; ".join(f"{one.get('CPU', 0):g} and {one.get('GPU', 0):g}" for one in machines[:8])
            raise InputError(
                f"the cluster has no machine with cpus={cpus:g} and gpus={gpus:g}; there are machines "
                f"with {there}. Ask for less."
            )
        read = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=TRIES)(read_here)
        waiting: deque[Any] = deque()
        for shard in shards:
            waiting.append(read.remote(opener, shard))
            if len(waiting) >= AHEAD * max(1, int(_resources(ray).get("CPU", 1) // cpus)):
                yield ray.get(waiting.popleft())
        while waiting:
            yield ray.get(waiting.popleft())
    except RayTaskError as error:
        if isinstance(error.cause, InputError):
            raise InputError(str(error.cause)) from error
        raise
    except RayError as error:
        raise InputError(f"Ray: {' '.join(str(error).split())[:300]}") from error
    finally:
        ray.shutdown()


def _machines(ray: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ray.nodes()
    return found


def _resources(ray: Any) -> dict[str, float]:
    found: dict[str, float] = ray.cluster_resources()
    return found


def _connect(ray: Any, address: str | None, workers: int | None, patience: float) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    if address is None:
        ray.init(address="local", num_cpus=workers, **quiet)
        return
    if workers is not None:
        raise InputError(f"workers={workers}: a cluster that runs has its own number of workers.")
    _require_cluster(address, patience)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, TimeoutError, ValueError, OSError) as error:
        raise _no_cluster(address, str(error)) from error


def _require_cluster(address: str, patience: float) -> None:
    """Raise InputError if no cluster answers. Ray itself would wait for minutes and might end the process."""
    if address != "auto":
        found = re.fullmatch(r"(?:ray://)?\[?([^/\s]+?)\]?:(\d{1,5})", address)
        if found is None:
            raise InputError(f"Ray's address {address}: expected host:6379, ray://host:10001 or auto.")
        try:
            socket.create_connection((found[1], int(found[2])), min(PATIENCE, patience)).close()
        except (OSError, OverflowError) as error:
            raise InputError(
                f"Ray's address {address}: nobody answers ({error}). Is `ray start --head` running?"
            ) from error
    trial = [sys.executable, "-P", "-c", _TRIAL, address]
    try:
        subprocess.run(trial, timeout=patience, capture_output=True, check=True)  # noqa: S603  (the address is checked)
    except subprocess.TimeoutExpired as error:
        raise _no_cluster(address, f"nothing of the kind within {patience:g} seconds") from error
    except subprocess.CalledProcessError as error:
        told = error.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {error.returncode}"]
        raise _no_cluster(address, told[-1]) from error


def _no_cluster(address: str, why: str) -> InputError:
    return InputError(f"Ray's address {address}: no Ray cluster answers ({' '.join(why.split())[:200]}).")
