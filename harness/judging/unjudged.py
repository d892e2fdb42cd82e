"""The rules of which recorded traffic says nothing, and why."""

UNJUDGED = {
    "OCT-02": "a wrong octet order is another number, and shows under the rule of its field",
    "OCT-03": "a wrong fill is another text, and shows under the rule of its field",
    "SYN-01": "what is a message is decided by SYN-02, and told by the code: SYN-10",
    "SYN-02": "the grammar shows in what is refused (SYN-10) and taken (SYN-03 to SYN-09)",
    "SYN-07": "what a server keeps of a message shows when it is asked, by a case",
    "SYN-08": "that there is no escape shows in what a text means, which nobody says on the wire",
    "SYN-12": "the originals have to be sent, by a case",
    "HDR-01": "the order of the fields is how frames are read: another one gives none",
    "HDR-09": "it compares the same request in two cuts; here how octets were cut decides nothing",
    "HDR-10": "a profile is a file; that it is the right one shows in all other rules",
    "ENC-01": "of a sealed link the frames within the records are recorded, not the records",
    "ENC-02": "nothing of the audit trail is on the wire: `starwire audit verify`",
    "TRN-04": "the memory of a server, and who waits for whom, is not on the wire",
    "FLW-01": "the way of a report goes over the bus, which is not recorded",
    "FLW-02": "the bus is not recorded",
    "FLW-03": "the states stand in a store",
    "ERR-06": "that a code can be provoked shows by provoking it",
    "ERR-08": "how much a server holds is not on the wire; the form of 111 is judged by HDR-06",
}
"""By id. Every rule of docs/protocol.md has a judge or stands here (a test compares)."""
