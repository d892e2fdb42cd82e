"""The codes of Appendix E: all are there, each once, each with what provokes it."""

from __future__ import annotations

import pytest

from starwire.protocol.codes import Code, codes, text_of

REPORT_MANAGER = {
    *(0, 6050),
    *range(6101, 6117),
    *(6600, 6601, 6602, 6603, 6610, 6611, 6612),
    *range(6701, 6708),
    *range(6801, 6843),
    7000,
}
INBOX = {
    *(0, 5005),
    *range(5100, 5109),
    *(5111, 5112, 5113, 5121, 5125, 5131, 5132, 5141),
    *range(5151, 5167),
    *(5170, 5171, 5172, 5174, 5178, 5179, 5180, 5182, 5183, 5184, 5185),
}


def of(proxy: str) -> list[int]:
    return [code.code for code in codes() if code.proxy == proxy]


def test_the_report_manager_has_75_codes() -> None:
    assert len(of("RM")) == 75
    assert sorted(of("RM")) == sorted(REPORT_MANAGER)


def test_the_inbox_has_46_codes() -> None:
    assert len(of("INBOX")) == 46
    assert sorted(of("INBOX")) == sorted(INBOX)


def test_the_two_conditions_without_records_are_two_codes() -> None:
    assert {6109, 7000} <= set(of("RM"))
    assert text_of(6109) == text_of(7000)


def test_only_success_is_a_code_of_both() -> None:
    assert set(of("RM")) & set(of("INBOX")) == {0}


@pytest.mark.parametrize("code", codes(), ids=lambda code: f"{code.proxy}-{code.code}")
def test_every_code_says_in_one_sentence_what_provokes_it(code: Code) -> None:
    assert code.trigger[0].isupper()
    assert code.trigger.endswith(".")
    assert ". " not in code.trigger
    assert code.text
    assert not code.text.endswith(".")


def test_no_two_codes_of_a_proxy_are_provoked_alike() -> None:
    triggers = [(code.proxy, code.trigger) for code in codes()]
    assert len(set(triggers)) == len(triggers)


def test_codes_by_what_a_tester_needs() -> None:
    """ERR-06: nothing is out of reach, and the faults are those that the protocol lists."""
    faults = {code.code for code in codes() if code.reach == "fault"}
    assert faults == {
        *(6101, 6105, 6106, 6110, 6111, 6112, 7000),
        *(5105, 5106, 5107, 5170, 5178, 5183, 5184, 5185),
    }
    assert {code.code for code in codes() if code.reach == "success"} == {0}
    assert {code.code for code in codes() if code.reach == "state"} == {
        *(6050, 6108, 6109, 6115, 6116, 6707),
        *(5005, 5100, 5104, 5108, 5125, 5163, 5166, 5180, 5182),
    }


def test_the_text_of_a_code() -> None:
    assert text_of(6612) == "the brackets are unbalanced"
    assert text_of(4711) == "4711 is no code of Appendix E"
