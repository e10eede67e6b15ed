"""What a user should know before a study begins."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from caviar.fleet.address import RayAddress
from caviar.fleet.connect import Start, start_of
from caviar.fleet.placement import Placement
from caviar.fleet.worker.networks import NetworkTrainable
from caviar.records.cost import format_bytes
from caviar.records.span import Span
from caviar.study.cost.launch import Launch
from caviar.study.cost.measurement import Measurement
from caviar.study.cost.regression import Regression
from caviar.study.cost.sizes import network_bytes
from caviar.study.cost.timetable import Timetable

_LONG_SEARCH = 0.5  # a share of the time that is worth a sentence


def warnings_about(
    launch: Launch,
    regression: Regression,
    study: Timetable,
    minutes: Span,
    placement: Placement,
    measured: Measurement,
    fixed: float,
) -> tuple[str, ...]:
    """Return the sentences that hold for a launch; the arguments are those of the forecast."""
    found = [
        *_memory(launch, placement, measured),
        *_idle(study, measured.workers),
        *_limits(launch, regression, minutes, placement),
    ]
    is_local = placement.workers != 0 and RayAddress.of(placement.address).is_local
    if is_local and start_of(launch.trainable) is Start.ON_RAY:
        found.append("before the first trial, a Ray has to start on this machine, which takes some seconds more")
    if fixed / 60 > _LONG_SEARCH * minutes.median:
        found.append(f"starting trainers, choosing configs and the end take {fixed:.1f} s, however many trainers train")
    return tuple(found)


def _memory(launch: Launch, placement: Placement, measured: Measurement) -> Iterator[str]:
    """Yield what does not fit into the memory that a trainer is given."""
    room = placement.resources.get("memory")
    if not room:
        return
    if isinstance(launch.trainable, NetworkTrainable):
        needs = [network_bytes(config, launch.trainable.dataset) for config in launch.configs[: launch.first]]
        if count := sum(need > room for need in needs):
            yield f"{count} of {launch.first} configs need more than {format_bytes(room)} each"
    if measured.peak > room:
        yield f"what was measured took {format_bytes(measured.peak)}, more than the {format_bytes(room)} of a trainer"


def _idle(study: Timetable, workers: int) -> Iterator[str]:
    """Yield which waves keep only some of the trainers busy."""
    busy = [len(wave[0]) for wave in study.waves]
    idle = [number for number in busy if number < workers]
    if idle == busy[-1:]:
        yield f"the last wave keeps {idle[0]} of {workers} trainers busy"
    elif idle:
        yield f"{len(idle)} of {len(busy)} waves keep at most {max(idle)} of {workers} trainers busy"
    if 0 < len(study.confirm) < workers:
        yield f"the wave that confirms the winner keeps {len(study.confirm)} of {workers} trainers busy"


def _limits(launch: Launch, regression: Regression, minutes: Span, placement: Placement) -> Iterator[str]:
    """Yield which time limits are likely to be exceeded."""
    if placement.trial_timeout is not None:
        seconds = np.exp(regression.expected(launch.alone)[: launch.first])
        if count := int((seconds > placement.trial_timeout).sum()):
            yield f"{count} of {launch.first} configs are likely to exceed trial_timeout={placement.trial_timeout:g} s"
    if placement.timeout is not None and minutes.high * 60 >= placement.timeout:
        yield f"the study may not end within timeout={placement.timeout:g} s"


def disk_warning(folder: Path, needed: int) -> Iterator[str]:
    """Yield whether a study does not fit on its disk."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        yield f"the study needs {format_bytes(needed)} on disk, where {format_bytes(free)} are free"
