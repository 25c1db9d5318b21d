from domain.stock import SUPPLIER, Move, balances, job, outlet, overdrawn, van


def test_moves_sum_up_to_the_stock() -> None:
    shelf, mine = outlet("north"), van(7)
    moves = [
        Move("PUMP", 5, SUPPLIER, shelf),
        Move("PUMP", 2, shelf, mine),
        Move("PUMP", 1, mine, job("j")),
    ]
    assert balances(moves) == {
        (SUPPLIER, "PUMP"): -5,
        (shelf, "PUMP"): 3,
        (mine, "PUMP"): 1,
        (job("j"), "PUMP"): 1,
    }
    assert sum(balances(moves).values()) == 0
    assert overdrawn(moves) == []


def test_a_place_that_gave_what_it_did_not_have_is_found_even_when_it_is_made_good_later() -> None:
    moves = [Move("PUMP", 1, van(7), job("j")), Move("PUMP", 1, SUPPLIER, van(7))]
    assert overdrawn(moves) == [(van(7), "PUMP")]
