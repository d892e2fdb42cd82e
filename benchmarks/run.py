"""Every benchmark, each in a process of its own: `./dev bench [--quick]`.

Exit status 1 if any figure is below 0.8 of its claim.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = (
    *["grammar.py", "headers.py", "bulk.py", "audit.py", "recording.py", "dispatching.py"],
    *["throughput.py", "idle.py", "startup.py"],
)


def main() -> int:
    failed = []
    for script in SCRIPTS:
        command = [sys.executable, str(HERE / script), *sys.argv[1:]]
        if subprocess.run(command, cwd=HERE.parent).returncode:
            failed.append(script)
    print(f"benchmarks below their claims: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
