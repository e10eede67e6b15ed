"""Why a trainer was lost, and whether its trials could be at fault."""

import math
import re

from ray import exceptions

_MEMORY_VICTIM = re.compile(r"Selected to kill: .*pid=(\d+), actual memory used=([\d.]+)GB")  # in Ray's message


def loss_reason(error: Exception) -> str:
    """Return why a trainer was lost, in a few words."""
    if isinstance(error, exceptions.OutOfMemoryError):
        return "it was killed for lack of memory"
    if _node_lost(error):
        return "its node could not be reached"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    if isinstance(error, exceptions.RayActorError):
        return lines[-1] if error.actor_init_failed else "its process died"
    return f"{type(error).__name__}: {lines[0]}"


def not_at_fault(error: Exception, name: str) -> bool:
    """Return whether the trials of a lost trainer are known not to have caused its loss.

    This is the case if its node or the network failed, or if Ray killed it for lack of memory together with another
    trainer that used more. The name of the trainer is host:process.
    """
    if isinstance(error, exceptions.OutOfMemoryError):
        memory = {process: float(gigabytes) for process, gigabytes in _MEMORY_VICTIM.findall(str(error))}
        return memory.get(name.rpartition(":")[2], math.inf) < max(memory.values(), default=0.0)
    return _node_lost(error)


def _node_lost(error: Exception) -> bool:
    if isinstance(error, exceptions.ActorDiedError):
        return "its node has died" in str(error)
    unreachable = exceptions.ActorUnavailableError | exceptions.ObjectLostError | exceptions.GetTimeoutError
    return isinstance(error, unreachable)
