"""Addresses of Ray clusters. Every `address` and `--address` of Caviar has one of these forms:

| address | what it names |
| --- | --- |
| http://HOST:8265 | the Jobs API of a cluster, to which studies are submitted |
| ray://HOST:10001 | a cluster that is driven from here, through Ray Client |
| HOST:6379 | a cluster that is driven from one of its machines |
| auto | the cluster that this machine belongs to |
| local | this machine |
"""

import contextlib
import os
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from caviar.errors import ClusterError, InputError

VARIABLE = "RAY_ADDRESS"  # which `ray.init()` reads
JOBS_VARIABLE = "RAY_API_SERVER_ADDRESS"  # which Ray's job client reads first
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 15.0


@dataclass(frozen=True)
class RayAddress:
    """The address of the Ray to join, and the environment variable that named it, if one did.

    >>> str(RayAddress("10.0.0.1:6379", "RAY_ADDRESS"))
    '10.0.0.1:6379 (RAY_ADDRESS)'
    """

    text: str
    variable: str = ""

    @classmethod
    def of(cls, address: str | None) -> "RayAddress":
        """Return a user's address; for "auto" and None, RAY_ADDRESS comes first, as in `ray.init()`; else "local"."""
        named = os.environ.get(VARIABLE)
        if named and address in (None, "auto"):
            return cls(named, VARIABLE)
        return cls("local" if address is None else address)

    def __str__(self) -> str:
        return self.text + (f" ({self.variable})" if self.variable else "")

    @property
    def is_local(self) -> bool:
        """Whether a Ray is started on this machine instead of joining one."""
        return self.text == "local"

    def check(self) -> None:
        """Raise an error if it is not the address of a Ray that answers in a few seconds; "auto" and "local" pass."""
        if self.text in ("auto", "local"):
            return
        name, host = self.variable or "address", _host(self.text)
        if is_jobs_api(self.text):
            raise InputError(
                f"{name} must be the address of Ray itself, got that of its Jobs API, {self.text!r}; try "
                f"'ray://{host or 'HOST'}:10001', or send a study there with `caviar submit`"
            )
        if host is None:
            raise InputError(
                f"{name} must be a Ray address, got {self.text!r}; try 'host:6379', 'ray://host:10001' or 'auto'"
            )
        try:
            check_answers(self.text)
        except OSError as error:
            remedy = "choose the address 'local'" if self.variable else "leave it out"
            raise ClusterError(
                f"nothing answers at the Ray address {self} ({error}); check {self.variable or 'it'}, or {remedy} to "
                "start a local Ray"
            ) from error


def is_jobs_api(address: object) -> bool:
    """Return whether an address is that of a Jobs API.

    >>> is_jobs_api("http://127.0.0.1:8265"), is_jobs_api("ray://127.0.0.1:10001")
    (True, False)
    """
    return isinstance(address, str) and address.startswith(("http://", "https://"))


def check_jobs_api(address: str) -> None:
    """Raise an error if an address is not that of a Jobs API, or no web server answers there in a few seconds."""
    from http.client import HTTPException  # slow to import, as a cluster is asked seldom

    host = _host(address)
    if host is None or not is_jobs_api(address):
        raise InputError(
            f"the address of a cluster's Jobs API must begin with http:// and have a port, got {address!r}; try "
            f"'http://{host or '127.0.0.1'}:8265'"
        )
    try:
        check_answers(address)
        _check_serves(address)
    except (OSError, HTTPException) as error:
        reason = str(error).strip()
        raise ClusterError(
            f"no Jobs API answers at {address} ({reason}); check that the cluster is up and that the tunnel to it is "
            "open, or try another address such as http://127.0.0.1:8265"
        ) from None


def check_answers(address: str, seconds: float = _CONNECT_SECONDS) -> None:
    """Raise OSError if nothing accepts connections at an address within a few seconds."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    socket.create_connection((parts.hostname, parts.port), seconds).close()


def _check_serves(address: str) -> None:
    """Raise OSError or HTTPException if nothing answers a request, whatever the answer; Ray's client waits for ever."""
    import ssl
    from http.client import HTTPConnection, HTTPSConnection

    parts = urlsplit(address)
    host, port = str(parts.hostname), parts.port
    connection = HTTPConnection(host, port, timeout=_ANSWER_SECONDS)
    if parts.scheme == "https":  # Ray's client checks the certificate
        context = ssl._create_unverified_context()
        connection = HTTPSConnection(host, port, timeout=_ANSWER_SECONDS, context=context)
    with contextlib.closing(connection):
        connection.request("GET", "/api/version")
        connection.getresponse()


def reach_this_machine_directly() -> None:
    """Keep the proxy that the environment may name from requests to this machine, such as those through a tunnel."""
    names = [host for host in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",") if host]
    hosts = ",".join(dict.fromkeys([*names, "localhost", "127.0.0.1", "::1"]))
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = hosts


def _host(address: object) -> str | None:
    """Return the host of an address; None for one without host or port."""
    if not isinstance(address, str):
        return None
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        return parts.hostname if parts.port is not None else None
    except ValueError:
        return None
