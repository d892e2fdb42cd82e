import pytest

from starwire.servers.passwords import PasswordCost, decoy, hash_password, matches

CHEAP = PasswordCost(n=2, r=1, p=1)


def test_a_password_matches_its_hash_and_no_other_does() -> None:
    stored = hash_password("interact", CHEAP)
    assert matches("interact", stored)
    assert not matches("Interact", stored)
    assert not matches("", stored)


def test_the_hash_is_scrypt_with_its_cost_and_salt() -> None:
    # RFC 7914's second vector, cut to 32 octets: N = 1024, r = 8, p = 16, "password", "NaCl".
    stored = hash_password("password", PasswordCost(1024, 8, 16), random=lambda count: b"NaCl")
    assert stored == (
        "scrypt$1024$8$16$4e61436c$fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
    )


def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password("interact", CHEAP) != hash_password("interact", CHEAP)


def test_every_octet_counts() -> None:
    stored = hash_password("\0\xb7\xff", CHEAP)
    assert matches("\0\xb7\xff", stored)
    assert not matches("\0\xb7\xfe", stored)


def test_a_decoy_costs_what_another_costs_and_nothing_matches_it() -> None:
    like = hash_password("interact", PasswordCost(n=4, r=2, p=3))
    found = decoy(like, CHEAP)
    assert found.split("$")[:4] == ["scrypt", "4", "2", "3"]
    assert not matches("interact", found)
    assert not matches("", found)
    assert decoy(None, CHEAP).split("$")[:4] == ["scrypt", "2", "1", "1"]


def test_a_hash_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'md5' is no scheme"):
        matches("interact", "md5$1$1$1$00$00")


@pytest.mark.parametrize(("n", "r", "p"), [(0, 8, 1), (1, 8, 1), (3, 8, 1), (2, 0, 1), (2, 8, 0)])
def test_a_cost_that_scrypt_does_not_know_is_refused(n: int, r: int, p: int) -> None:
    with pytest.raises(ValueError, match=r"n is no power of two|r and p are at least 1"):
        PasswordCost(n, r, p)


def test_the_default_cost_is_memory_hard() -> None:
    cost = PasswordCost()
    assert 128 * cost.n * cost.r >= 32 * 1024 * 1024
