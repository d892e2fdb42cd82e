"""Every line of docs/faults.md does what it says, and every kind has one."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from starwire.harness.client import ClientError
from starwire.servers.fault import Fault, Kind
from starwire.servers.fault_plan import FaultPlan, subject_of

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text("utf-8")
LINES = re.findall(r"^\| `(\{.*?\})` \| `(.*?)`(?: to ([\w-]+))? \| (.*) \|$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def chain(start_shared: Callable[..., Any]) -> Any:
    return start_shared('extends = "default"\nname = "test"\nreply_seconds = 1.0\n')


def test_every_kind_has_a_line_and_a_row() -> None:
    kinds = set(get_args(Kind))
    assert {json.loads(fault)["kind"] for fault, *_ in LINES} == kinds
    told = PAGE.partition("## What each kind is told")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([\w-]+)` \|", told, re.MULTILINE)) == kinds


def test_every_key_is_explained() -> None:
    for name in Fault.__struct_fields__:
        assert f"`{name}`" in PAGE or f'"{name}"' in PAGE, name


def test_the_line_of_the_log_is_the_one_that_this_fault_writes() -> None:
    told = re.search(r"-d '(.*)'$", PAGE, re.MULTILINE)
    shown = re.search(r'^\["(fault=.*)"\]$', PAGE, re.MULTILINE)
    assert told is not None
    assert shown is not None
    plan = FaultPlan()
    plan.add(msgspec.json.decode(told[1], type=Fault))
    request = b"GRTL<PRODUCT=V,DATATYPE=R,DATACAT=P,IO=O>"
    plan.strikes(subject_of("rm", request, user="jeanvnet2").answered(b"SRTL<ERROR=0>"))
    assert plan.log == [shown[1]]


@pytest.mark.parametrize(("fault", "message", "port", "seen"), LINES)
def test_a_line_can_be_run(chain: Any, fault: str, message: str, port: str, seen: str) -> None:
    with chain.customer() as customer:
        customer.send(b"GURD<REPORTID=245>")  # the dispatcher has asked for the entitlements
        client = chain.client(port) if port else customer
        if "refuse" in fault or "web" in fault:
            client.close()
        with client, chain.fault(**json.loads(fault)):
            time.sleep(0.05)  # a port that refuses needs a turn of the reactor
            begun = time.monotonic()
            if "no reply" in seen:
                with pytest.raises(ClientError, match=seen.removeprefix("no reply: ")):
                    client.send(message.encode())
                return
            reply = client.send(message.encode())
            took = time.monotonic() - begun
    status, start = re.search(r"status (\d+)", seen), re.search(r"`(.*?)`", seen)
    seconds = re.search(r"after ([\d.]+) seconds", seen)
    assert reply.status == (int(status[1]) if status else None)
    assert reply.data.startswith(start[1].encode() if start else b"")
    assert bool(start) is bool(reply.data) or reply.status == 111
    least = float(seconds[1]) if seconds else 0.0
    assert least <= took < least + 3
