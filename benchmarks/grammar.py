"""The scanner against Lark, against a bare `re.findall`, and on hostile input (SYN-11).

    python benchmarks/grammar.py [--json] [--quick]

The corpus is every message of fixtures/golden that is accepted. Exit status 1 if a figure is below
0.8 of its claim.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path

from measure import Claim, Figure, no_collector, options, ratio, report, rounds, seconds

from starwire.grammar import Fault, Group, Limits, MetadataError, parse
from starwire.grammar.definition import parser
from starwire.grammar.scanner import TOKEN

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"
MIB = 1 << 20

FIELDS = Claim("top-level fields readable, Lark's time by the scanner's", "x", least=15)
FINDALL = Claim("top-level fields readable, bare findall's time by it", "x", least=0.4)
NODES = Claim("every node visited, Lark's time by the scanner's", "x", least=8)
LINEAR = Claim("{}: 4 times the octets take", "x", most=5)
ANSWERED = Claim("{}: answered at the shipped limits in", "ms", most=10)
WORST = Claim("{}: answered at the shipped limits in", "ms", most=20)

UNBOUNDED = Limits(nesting=1 << 30, octets=1 << 30, marks=1 << 30)

HOSTILE: dict[str, tuple[Callable[[int], bytes], Fault | None]] = {
    "all '<'": (lambda size: b"<" * size, Fault.LIMIT),
    "all ','": (lambda size: b"," * size, Fault.LIMIT),
    "all '='": (lambda size: b"=" * size, Fault.MALFORMED),
    "all '>'": (lambda size: b">" * size, Fault.UNBALANCED),
    "'<' and commas": (lambda size: b"<" + b"," * (size - 2) + b">", Fault.LIMIT),
    "a key of '='": (lambda size: b"<A" + b"=" * (size - 3) + b">", None),
    "empty groups": (lambda size: b"<" + b"<>" * (size // 2 - 1) + b">", Fault.LIMIT),
    "64 deep": (lambda size: b"<" * 64 + b"x" * (size - 128) + b">" * 64, None),
    "65 deep": (lambda size: b"<" * 65 + b"x" * (size - 130) + b">" * 65, Fault.LIMIT),
    "as deep as long": (lambda size: b"<" * (size // 2) + b">" * (size // 2), Fault.LIMIT),
    "closed 64 deep": (
        lambda size: b"<" * 64 + b">" * (size - 64 - 65_537) + b"," * 65_537,
        Fault.LIMIT,
    ),
}
"""Each for a number of octets, with the verdict at the shipped limits."""


def fault_of(octets: bytes, limits: Limits) -> Fault | None:
    """Parse and read the top level, as a server does with whatever comes."""
    try:
        parse(octets, limits).fields()
    except MetadataError as error:
        return error.fault
    return None


def visit(group: Group) -> int:
    """Look at every piece of every group."""
    seen = 0
    for _, _, inner, _ in group.pieces:
        seen += 1
        if isinstance(inner, Group):
            seen += visit(inner)
    return seen


def corpus() -> list[bytes]:
    """The original messages that are accepted."""
    octets = [path.read_bytes() for path in sorted(GOLDEN.glob("*.msg"))]
    return [one for one in octets if fault_of(one, Limits()) is None]


def against_lark(span: float) -> list[Figure]:
    messages = corpus()
    texts = [octets.decode("latin-1") for octets in messages]
    lark = parser()
    measured = rounds(
        {
            "lark": lambda: [lark.parse(text) for text in texts],
            "findall": lambda: [TOKEN.findall(text) for text in texts],
            "fields": lambda: [parse(octets).fields() for octets in messages],
            "nodes": lambda: [visit(parse(octets).body) for octets in messages],
        },
        span=span,
    )
    return [
        Figure(FIELDS, ratio(measured, "lark", "fields")),
        Figure(FINDALL, ratio(measured, "findall", "fields")),
        Figure(NODES, ratio(measured, "lark", "nodes")),
    ]


def on_hostile_input(size: int) -> list[Figure]:
    """Linear with the limits out of the way; answered at once with the shipped ones."""
    linear, at_limits = [], []
    for name, (make, verdict) in HOSTILE.items():
        long, short, full = make(size), make(size // 4), make(MIB)
        if fault_of(full, Limits()) is not verdict:
            raise SystemExit(f"{name}: {fault_of(full, Limits())} in place of {verdict}")
        with no_collector():
            measured = rounds(
                {
                    "long": lambda octets=long: fault_of(octets, UNBOUNDED),
                    "short": lambda octets=short: fault_of(octets, UNBOUNDED),
                },
                span=0.02,
            )
        linear.append(Figure(named(LINEAR, name), ratio(measured, "long", "short")))
        answered = [seconds(lambda octets=full: fault_of(octets, Limits())) for _ in range(5)]
        claim = WORST if name == "empty groups" else ANSWERED
        at_limits.append(Figure(named(claim, name), statistics.median(answered) * 1000))
    return linear + at_limits


def named(claim: Claim, name: str) -> Claim:
    return Claim(claim.text.format(name), claim.unit, claim.least, claim.most)


def main() -> int:
    chosen = options(str(__doc__).splitlines()[0])
    figures = against_lark(span=0.05 if chosen.quick else 0.3)
    figures += on_hostile_input(MIB // 4 if chosen.quick else MIB)
    return report("grammar", figures, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
