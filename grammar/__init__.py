"""The language of the metadata messages: octets to a lossless tree and back.

`metadata.lark` is the definition, `parse` the scanner that runs, and a property test holds the two
equal. Nothing here knows what a message means: names, codes and lengths belong to
`starwire.protocol`.

    >>> message = parse(b"GRTL<PRODUCT=V,DATATYPE=R>")
    >>> message.acronym, message["PRODUCT"].value.scalar
    ('GRTL', 'V')
"""

from .building import Block, BuildError, Content, build
from .faults import Fault, MetadataError
from .limits import Limits
from .scanner import scan
from .text import BLANKS, fold, strip
from .tree import Field, Fields, Group, Message, Value

__version__ = "0.1.0"

__all__ = [
    "BLANKS",
    "Block",
    "BuildError",
    "Content",
    "Fault",
    "Field",
    "Fields",
    "Group",
    "Limits",
    "Message",
    "MetadataError",
    "Value",
    "build",
    "fold",
    "parse",
    "strip",
]

_DEFAULT_LIMITS = Limits()


def parse(octets: bytes, limits: Limits = _DEFAULT_LIMITS) -> Message:
    """Parse one whole message (SYN-01 to SYN-11).

    The tree is built as far as somebody looks. Raises MetadataError with fault, offset and reason
    for octets that are no message; limits go first. Time is linear in the length.
    """
    text = octets.decode("latin-1")
    found = scan(text, limits)
    name = text[: found.start] if found.start else None
    body = Group(text, found.start, found.end + 1, close=found.close)
    return Message(text, name, body, text[found.end + 1 :])
