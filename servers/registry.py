"""Where each proxy lives, whose turn it is, and who is out of the turn (DSP-02, DSP-04, HDR-07)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Registry:
    """Targets to the addresses of their proxies, several for each if need be."""

    def __init__(self, addresses: Mapping[str, Sequence[str]]) -> None:
        self._addresses = {target: list(hosts) for target, hosts in addresses.items()}
        self._turn = dict.fromkeys(self._addresses, 0)
        self._out: set[str] = set()

    def __contains__(self, target: str) -> bool:
        return target in self._addresses

    def place(self, target: str, *hosts: str) -> None:
        """That proxy lives at these hosts and ports, and nowhere else."""
        self._addresses[target] = list(hosts)
        self._turn[target] = 0

    def in_turn(self, target: str) -> list[str]:
        """Its addresses in the order in which to try them; the next call begins with another.

        None for a target that lives nowhere; those out of the turn are left out.
        """
        addresses = self._addresses.get(target, [])
        if len(addresses) == 1 and not self._out:
            return addresses
        turn = self._turn.get(target, 0)
        self._turn[target] = (turn + 1) % max(1, len(addresses))
        ordered = addresses[turn:] + addresses[:turn]
        return [address for address in ordered if address not in self._out]

    def all_addresses(self) -> list[str]:
        """Every address once."""
        return list(dict.fromkeys(one for listed in self._addresses.values() for one in listed))

    def answered(self, address: str, *, well: bool) -> bool:
        """Note whether an instance answers; whether that is news."""
        news = well == (address in self._out)
        if well:
            self._out.discard(address)
        else:
            self._out.add(address)
        return news
