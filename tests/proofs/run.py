"""Runs the full, slow proofs: `./dev prove [NAME] [--quick]`.

A full run's output is kept in docs/proofs/NAME.txt, with date and commit. A quick run proves the
same on less and keeps nothing.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PROOFS = ("crowd", "interleavings", "kills", "mutations", "noise", "serials")


def commit() -> str:
    """The commit that is proved, marked where the tree differs from it."""

    def git(*words: str) -> str:
        return subprocess.check_output(["git", *words], cwd=ROOT, text=True).strip()

    changed = git("status", "--short", "--", ".", ":!docs/proofs")
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def prove(name: str, *, quick: bool) -> bool:
    """Run one proof; whether it held."""
    proof = importlib.import_module(name)
    lines = []
    held = True
    told: Iterator[str] = proof.prove(quick=quick)
    try:
        for line in told:
            print(f"{name}: {line}", flush=True)
            lines.append(line)
    except AssertionError as error:
        held = False
        lines.append(f"FAILED: {error}")
        print(f"{name}: FAILED: {error}", flush=True)
    if not quick:
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        title = (proof.__doc__ or "").strip().splitlines()[0]
        head = f"{title}\n{today}, commit {commit()}, `./dev prove {name}`\n\n"
        path = ROOT / "docs" / "proofs" / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(head + "\n".join(lines) + "\n", "utf-8")
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PROOFS)}")
    parser.add_argument("--quick", action="store_true", help="the short form, for every change")
    options = parser.parse_args()
    unknown = set(options.names) - set(PROOFS)
    if unknown:
        parser.error(f"no such proof: {', '.join(unknown)}; there are {', '.join(PROOFS)}")
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    held = [prove(name, quick=options.quick) for name in options.names or PROOFS]
    print(f"{sum(held)} of {len(held)} proofs hold", flush=True)
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
