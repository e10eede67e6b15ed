"""The network between the nodes: a namespace for each, joined by a bridge; or one address for all of them."""

import contextlib
import subprocess
import threading

from tests.faults.sandbox import run
from tests.faults.schedule import NODES

_CYCLE, _DOWN = 0.3, 0.15  # seconds, of a link that is slow because it is down again and again


class Bridge:
    """A namespace for each node, whose links can be cut and slowed."""

    def __init__(self):
        self._slow = {}
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "br0", "type", "bridge")
        run("ip", "addr", "add", "10.77.0.254/24", "dev", "br0")
        run("ip", "link", "set", "br0", "up")
        for node in range(NODES):
            run("ip", "netns", "add", f"n{node}")
            run("ip", "link", "add", f"v{node}", "type", "veth", "peer", "name", "eth0", "netns", f"n{node}")
            run("ip", "link", "set", f"v{node}", "master", "br0", "up")
            run("ip", "-n", f"n{node}", "addr", "add", f"{self.address(node)}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                run("ip", "-n", f"n{node}", "link", "set", device, "up")

    def address(self, node):
        return f"10.77.0.{node + 1}"

    def prefix(self, node):
        """Return the start of a command line that runs a command on a node."""
        return ["nsenter", f"--net=/run/netns/n{node}"]  # `ip netns exec` would hide what memory is in use from Ray

    def cut(self, node):
        run("ip", "link", "set", f"v{node}", "down")

    def mend(self, node):
        run("ip", "link", "set", f"v{node}", "up")

    def slow(self, node):
        """Delay and lose packets; where the kernel cannot, take the link down for half of the time."""
        with contextlib.suppress(subprocess.CalledProcessError):
            run("tc", "qdisc", "add", "dev", f"v{node}", "root", "netem", "delay", "150ms", "50ms", "loss", "10%")
            return
        ended = threading.Event()
        thread = threading.Thread(target=self._flicker, args=(node, ended))
        self._slow[node] = ended, thread
        thread.start()

    def hasten(self, node):
        """End what `slow` began."""
        if node not in self._slow:
            run("tc", "qdisc", "del", "dev", f"v{node}", "root")
            return
        ended, thread = self._slow.pop(node)
        ended.set()
        thread.join()

    def _flicker(self, node, ended):
        while not ended.wait(_CYCLE - _DOWN):
            self.cut(node)
            ended.wait(_DOWN)
            self.mend(node)


class Loopback:
    """All nodes at one address, without links between them."""

    def address(self, node):
        return "127.0.0.1"

    def prefix(self, node):
        return []
