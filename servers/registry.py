"""Where each proxy lives, and whose turn it is (DSP-02, DSP-04)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Registry:
    """Targets to the addresses of their proxies, several for each if need be."""

    def __init__(self, addresses: Mapping[str, Sequence[str]]) -> None:
        self._addresses = {target: list(hosts) for target, hosts in addresses.items()}
        self._turn = dict.fromkeys(self._addresses, 0)

    def __contains__(self, target: str) -> bool:
        return target in self._addresses

    def place(self, target: str, host_and_port: str) -> None:
        """That proxy lives there, and nowhere else."""
        self._addresses[target] = [host_and_port]
        self._turn[target] = 0

    def in_turn(self, target: str) -> list[str]:
        """Its addresses in the order in which to try them; the next call begins with another.

        None for a target that lives nowhere.
        """
        addresses = self._addresses.get(target, [])
        turn = self._turn.get(target, 0)
        self._turn[target] = (turn + 1) % max(1, len(addresses))
        return addresses[turn:] + addresses[:turn]
