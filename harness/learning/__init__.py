"""A wire profile proposed from captured octets, with the evidence for each field. No I/O.

Theory. The order of the fields of a header is the wire's own (HDR-01, DSP-01, WEB-02, TRN-03);
their widths, byte orders and fills are not. So a layout is a way to cut the octets of a header, and
each cut can be held to what the protocol says of the field: a length is the size of its frame, a
type is 0 to 3, a request has status 0, a reply the serial of its request. `cutting` finds the
version and length fields, since with the right ones the frames tile the stream, and by the first
message text where the data begin. `fields` counts for each field, place, width and order the frames
that speak against it. `search` finds, over all cuts of the header at once, the layout with the
fewest of these and, among equals, the one that costs least by stated preference (`preferences`),
and which others explain the octets as well. `proposing` joins the headers, which share byte order,
version and key width; `writing` tells what was found.
"""

from .proposing import Proposal, propose
from .traffic import Line, NothingLearned, Spoken
from .writing import profile_text, report_lines

__all__ = [
    "Line",
    "NothingLearned",
    "Proposal",
    "Spoken",
    "profile_text",
    "propose",
    "report_lines",
]
