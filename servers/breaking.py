"""Where rules are broken on purpose: what an emulator is made of passes through here first.

Nothing is broken unless a fault of `rule_faults` is switched on, and then in the whole process.
Emulators that are made while one is on are broken, and stay so; grammar and protocol, which a
harness in the same process uses too, are never touched.
"""

from __future__ import annotations

from collections.abc import Callable

from starwire.protocol.catalogue import Catalogue
from starwire.protocol.profile import Profile

from .answering import Interposer
from .front import PostAnswerer

PageInterposer = Callable[[PostAnswerer], PostAnswerer]


class Breaking:
    """What the faults that are on put into each emulator; each list is in the order of the faults.

    What stands at ports is told the profile that the emulator got.
    """

    def __init__(self) -> None:
        self.profiles: list[Callable[[Profile], Profile]] = []
        self.catalogues: list[Callable[[Catalogue], Catalogue]] = []
        self.ports: list[Callable[[Profile], Interposer]] = []
        self.web: list[Callable[[Profile], PageInterposer]] = []

    def profile(self, profile: Profile) -> Profile:
        """The profile that the emulator gets."""
        for change in self.profiles:
            profile = change(profile)
        return profile

    def catalogue(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue that its servers judge by."""
        for change in self.catalogues:
            catalogue = change(catalogue)
        return catalogue

    def interposers(self, profile: Profile) -> list[Interposer]:
        """What stands at every port of frames or bare messages."""
        return [made(profile) for made in self.ports]

    def at_web(self, profile: Profile, answer: PostAnswerer) -> PostAnswerer:
        """What answers POSTs."""
        for made in self.web:
            answer = made(profile)(answer)
        return answer


BREAKING = Breaking()
"""That of this process."""
