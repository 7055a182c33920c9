"""Whether an address is on this machine, found without asking any other: no name is looked up."""

from __future__ import annotations

import ipaddress
import socket


def is_on_this_machine(host: str) -> bool:
    """Whether a host is ``localhost``, a loopback address, or a private address of one of this machine's interfaces.

    Other names are taken to be elsewhere, whatever they resolve to now.
    """
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or (address.is_private and _is_own(address))


def _is_own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether a socket can be bound to the address, which only an address of this machine allows."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
