"""The Lark definition: no conflicts, every option as the rules need it (SYN-02)."""

from pathlib import Path

import pytest
from lark import Lark
from lark.exceptions import GrammarError, LexError

from starwire.grammar import Limits, definition, parse
from starwire.grammar.definition import parse_by_definition, parser

GRAMMAR = Path(definition.__file__).with_name("metadata.lark")


def strictly(text: str) -> Lark:
    return Lark(
        text, start="message", parser="lalr", lexer="contextual", keep_all_tokens=True, strict=True
    )


def test_the_grammar_has_no_conflicts():
    """Strict mode refuses what LALR would otherwise settle in silence, in rules and terminals."""
    tree = strictly(GRAMMAR.read_text()).parse("GRTL<A=1,B=x<C=2>D=3>\n")
    assert tree.data == "message"


@pytest.mark.parametrize(
    ("old", "new", "conflict"),
    [
        ("slot    : [KEY]", "slot    : SEP | [KEY]", "Shift/Reduce conflict for terminal SEP"),
        ("KEY.1", "KEY", "Collision between Terminals"),
    ],
)
def test_strict_mode_does_refuse_conflicts(old, new, conflict):
    text = GRAMMAR.read_text()
    assert old in text
    with pytest.raises((GrammarError, LexError), match=conflict):
        strictly(text.replace(old, new))


def test_the_parser_is_built_once_with_the_options_that_matter():
    lark = parser()
    assert lark is parser()
    options = lark.options
    assert (options.parser, options.lexer) == ("lalr", "contextual")
    assert options.keep_all_tokens is True
    assert options.maybe_placeholders is False
    assert options.use_bytes is False


def test_the_grammar_is_package_data():
    """The installed package finds it beside the module."""
    assert GRAMMAR.is_file()
    assert "message : [NAME]" in GRAMMAR.read_text()


def test_the_definition_reads_a_message_literally(laid_open):
    message = parse_by_definition(b"M<A=x<p>B=1,q\x01>\n|")
    assert (message.name, message.tail) == ("M", "\n|")
    inner = (5, 8, [("", "p", "", "")])
    assert laid_open(message.body) == (
        1,
        15,
        [("A=", "x", inner, ""), ("B=", "1", "", ","), ("", "q", "", "\x01"), ("", "", "", "")],
    )
    assert message == parse(b"M<A=x<p>B=1,q\x01>\n|")


def test_the_definition_nests_as_deep_as_the_limit(laid_open):
    octets = b"<" * 64 + b">" * 64
    deep = parse_by_definition(octets, Limits())
    assert laid_open(deep.body) == laid_open(parse(octets).body)
