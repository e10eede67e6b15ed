"""Why a trainer was lost, and how far its trials are to blame."""

from ray import exceptions

from caviar.fleet.dispatch import Blame

_VICTIM = "Selected to kill: "  # a line for each in Ray's message


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


def blame(error: Exception) -> Blame:
    """Return how far the trials of a lost trainer are to blame for its loss.

    They are not if its node or the network failed. If Ray killed several trainers at once for lack of memory, any of
    them may have taken it: trials run in processes of their own, whose memory Ray's message does not tell.
    """
    if isinstance(error, exceptions.OutOfMemoryError):
        return Blame.SHARED if str(error).count(_VICTIM) > 1 else Blame.FULL
    return Blame.NONE if _node_lost(error) else Blame.FULL


def _node_lost(error: Exception) -> bool:
    if isinstance(error, exceptions.ActorDiedError):
        return "its node has died" in str(error)
    unreachable = exceptions.ActorUnavailableError | exceptions.ObjectLostError | exceptions.GetTimeoutError
    return isinstance(error, unreachable)
