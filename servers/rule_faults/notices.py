"""Where the Inbox looks for files, and who is told of an item: CAT-09, ERR-05."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from starwire.protocol.catalogue import MessageSpec

from .. import inbox
from ..backend import Refused
from ..files import FileRoot, FoundFile
from .fault import breaks
from .messages import requests_changed
from .works import Works


@breaks("loc-outside-the-root", "CAT-09")
def _(works: Works) -> None:
    """A LOC may lead out of the file root."""

    def found(self: FileRoot, loc: str) -> FoundFile | None:
        path = Path(f"{self.folder}/{loc}")
        return FoundFile(str(path), path.stat().st_size) if path.is_file() else None

    works.exchange(FileRoot, "find", lambda _: found)


@breaks("way-out-told", "CAT-09")
def _(works: Works) -> None:
    """A LOC with `..` is told from a file that there is not: 5106."""

    def made(find: Any) -> Any:
        def found(self: FileRoot, loc: str) -> FoundFile | None:
            if ".." in loc.split("/"):
                raise Refused(5106)
            return find(self, loc)  # type: ignore[no-any-return]

        return found

    works.exchange(FileRoot, "find", made)


@breaks("item-lost-where-nobody-is-told", "ERR-05")
def _(works: Works) -> None:
    """An item whose user cannot be notified is not stored."""

    def made(put_out: Any) -> Any:
        def told(*arguments: Any) -> int:
            code: int = put_out(*arguments)
            if code:
                raise Refused(code)
            return 0

        return told

    works.exchange(inbox, "put_out", made)


@breaks("page-before-email", "ERR-05")
def _(works: Works) -> None:
    """Where neither can be sent the code is that of the page."""

    def made(put_out: Any) -> Any:
        def told(connection: Any, notice: Any, *rest: Any) -> int:
            code: int = put_out(connection, notice, *rest)
            is_paged = notice.level != "3" or (notice.pager and notice.pager_pin)
            return 5182 if code == 5180 and not is_paged else code

        return told

    works.exchange(inbox, "put_out", made)


@breaks("notification-failure-is-success", "ERR-05")
def _(works: Works) -> None:
    """That a user could not be notified is not told."""
    works.exchange(inbox, "put_out", lambda _: lambda *arguments: 0)


@breaks("one-way-is-both", "ERR-05")
def _(works: Works) -> None:
    """UNOTIFY 1 and 2 are taken for 3."""

    def made(put_out: Any) -> Any:
        def told(connection: Any, notice: Any, *rest: Any) -> Any:
            asked = notice if notice.level in ("", "0") else replace(notice, level="3")
            return put_out(connection, asked, *rest)

        return told

    works.exchange(inbox, "put_out", made)


@breaks("title-is-no-text", "ERR-05")
def _(works: Works) -> None:
    """Without MMTEXT an e-mail is 5180, whatever title there is."""

    def made(put_out: Any) -> Any:
        def told(connection: Any, notice: Any, *rest: Any) -> Any:
            code = put_out(connection, notice, *rest)
            return 5180 if notice.level in ("2", "3") and not notice.email_text else code

        return told

    works.exchange(inbox, "put_out", made)


@breaks("address-always-judged", "ERR-05")
def _(works: Works) -> None:
    """An MMADDR without `@` is refused also where nobody is notified."""

    def change(spec: MessageSpec) -> MessageSpec:
        checks = [
            replace(check, when=()) if check.check == "address" else check for check in spec.checks
        ]
        return replace(spec, checks=tuple(checks))

    requests_changed(works, ("A",), change)


@breaks("zip-name-with-case", "CAT-08", "ERR-05")
def _(works: Works) -> None:
    """Whether LOC ends in `_zip` is asked with the case of the letters."""

    def around(validate: Any, octets: bytes, door: str, **options: Any) -> Any:
        return validate(re.sub(rb"_ZIP(?=[,>])", b"_ZYP", octets), door, **options)

    works.validation(around)
