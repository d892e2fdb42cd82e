"""Our dispatcher before the bare echoing proxy, in one process as the bare chain is.

`python benchmarks/own_chain.py legacy|multiplexed FOLDER` prints the ports of the dispatcher and of
the cookie jar. The jar and StarOE run in the process too, so sessions and entitlements are checked.
"""

import sys
from pathlib import Path

from bare_chain import echoing_proxy

from starwire.protocol.profile import load_profile
from starwire.servers.emulator import Settings
from starwire.servers.running import run_until_stopped

PROFILE = """
extends = "default"
name = "benchmark"
multiplex = {multiplexed}
[registry]
RM = ["127.0.0.1:{proxy}"]
"""


def main():
    multiplexed = str(sys.argv[1] == "multiplexed").lower()
    names = ("jar", "staroe", "dispatcher")
    settings = Settings(
        state=Path(sys.argv[2]),
        profile=load_profile(PROFILE.format(multiplexed=multiplexed, proxy=echoing_proxy())),
        only=names,
        ports=dict.fromkeys(names, 0),
    )

    def started(places):
        ports = {name: port for name, _, port in places}
        print(ports["dispatcher"], ports["jar"], flush=True)

    run_until_stopped(settings, None, started)


if __name__ == "__main__":
    main()
