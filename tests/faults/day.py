"""The disturbed study, from its start to its end: makes each fault when it is due, and goes on as a user would."""

import heapq
import itertools
import signal
import time

from tests.faults.injections import World, inject, starts
from tests.faults.processes import send
from tests.faults.schedule import Kind

_TICK = 0.1  # seconds
_REJOIN = 2.0  # after which a node that died is started again
_LIMIT = 80.0  # that a driver may need to end whose head has died: it says so after 45, and Ray ends it after 60
_AFTERMATH = 20.0  # after the end of a fault in which a driver may still end because of it
_COPY = "run the study once more to complete its copy"  # what it says if the mirror is away at its end
STATUS = {Kind.KILL_DRIVER: -signal.SIGKILL, Kind.INTERRUPT: 130, Kind.TERMINATE: 143}
# what a driver may end with, with a sentence: it needs what is gone
ENDING = {Kind.DISK, Kind.MIRROR, Kind.KILL_HEAD}


class Day:
    """A day of faults.

    Args:
        world: what they happen to.
        faults: in order.
        say: prints a line.
    """

    def __init__(self, world: World, faults, say):
        self.world, self.say = world, say
        self.problems = []
        self._due, self._undo, self._order = list(faults), [], itertools.count()
        self._until = {}  # the kinds of faults that explain why a driver ends: until when
        self._head_died = None
        self._resume_at = self._look_at = 0.0
        self._finished = False

    @property
    def unmade(self):
        """The faults whose turn never came."""
        return self._due

    def run(self, deadline):
        """Run the study until it has ended, or until the deadline."""
        self.say(self.world.driver.start())
        while not self._finished:
            now = time.monotonic()
            if now > deadline:
                self.problems.append("the study did not end in time")
                break
            self._undo_faults(now)
            self._make_faults(now)
            self._look_after_driver(now)
            self._look_after_nodes(now)
            time.sleep(_TICK)
        self._undo_faults(float("inf"))

    def begun(self):
        """Return how many trials have begun."""
        return len({seed for seed, _ in starts(self.world.work)})

    def _make_faults(self, now):
        begun = self.begun()
        active = {kind for _, _, kind, _ in self._undo}
        for fault in [fault for fault in self._due if fault.begun <= begun]:
            if fault.kind in active or self._head_died is not None:
                continue  # the one before has not ended
            injection = inject(self.world, fault)
            if injection is None:
                continue  # what it would hit is not there: a little later
            self._due.remove(fault)
            active.add(fault.kind)
            self.say(f"{fault}" + (f": {injection.detail}" if injection.detail else ""))
            seconds = _LIMIT if fault.kind is Kind.KILL_HEAD else fault.seconds
            self._until[fault.kind] = now + seconds + _AFTERMATH
            if injection.undo is not None:
                heapq.heappush(self._undo, (now + fault.seconds, next(self._order), fault.kind, injection.undo))
            if fault.kind is Kind.KILL_HEAD:
                self._head_died = now

    def _undo_faults(self, now):
        while self._undo and self._undo[0][0] <= now:
            _, _, kind, undo = heapq.heappop(self._undo)
            undo()
            self.say(f"no longer: {kind}")

    def _look_after_driver(self, now):
        driver = self.world.driver
        if (end := driver.poll()) is not None:
            self.say(f"the driver ended with status {end.status}: {end.sentence}")
            self._judge(end, now)
            if "Current thread" in end.text:
                self.problems.append(f"it was here: {end.text[end.text.index('Current thread') :]}")
            self._finished = end.status == 0 and _COPY not in end.text
            self._resume_at = now + 1.0
        elif driver.process is None and now >= self._resume_at and self._head_died is None and not self._needs():
            self.say(driver.start())
        elif driver.process is not None and self._head_died is not None and now > self._head_died + _LIMIT:
            self.problems.append(f"the driver had not ended {_LIMIT:g} s after the head died")
            self._until[Kind.KILL_DRIVER] = now + _AFTERMATH
            send(signal.SIGUSR1, [driver.process])
            time.sleep(1.0)
            send(signal.SIGKILL, [driver.process])

    def _needs(self):
        """Return whether something is still away without which a study cannot go on, as its sentence told the user."""
        return {kind for _, _, kind, _ in self._undo} & ENDING

    def _judge(self, end, now):
        """Note an end that no fault explains, or without a sentence."""
        if "Traceback" in end.text:
            self.problems.append(f"the driver printed a traceback: {end.text}")
        if end.status == 0:
            return
        recent = {kind for kind, until in self._until.items() if now <= until}
        statuses = {STATUS[kind] for kind in recent & STATUS.keys()} | ({2} if recent & ENDING else set())
        statuses |= {2} if "killed for lack of memory" in end.sentence else set()  # which is everybody's
        if end.status not in statuses:
            self.problems.append(f"the driver ended with status {end.status}, which nothing explains: {end.text}")
        elif end.status == 2 and not end.sentence.startswith("caviar: "):
            self.problems.append(f"the driver ended without a sentence: {end.text}")

    def _look_after_nodes(self, now):
        if now < self._look_at:
            return
        self._look_at = now + _REJOIN
        if self._head_died is not None and self.world.driver.process is not None:
            return  # first the user sees that the study has ended
        started = self.world.cluster.restart_the_dead()
        self._head_died = None if 0 in started else self._head_died
        if started:
            self.say(f"started again: node {', '.join(map(str, started))}")
