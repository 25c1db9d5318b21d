import random

from domain.durations import Visit, estimate, learn

PRIOR = {"prior_visits": 8, "prior_spread": 0.35}


def test_without_visits_the_estimate_is_the_rules_to_the_second() -> None:
    told = estimate({}, "fridge", "noise", 1830, **PRIOR)
    assert (told.median_s, told.visits) == (1830, 0)
    assert told.p80_s > told.median_s


def test_the_more_visits_the_nearer_the_estimate_is_to_them() -> None:
    medians = []
    for count in (1, 4, 16, 64, 1000):
        cells = learn([Visit("fridge", "noise", 3600)] * count)
        medians.append(estimate(cells, "fridge", "noise", 1800, **PRIOR).median_s)
    assert medians == sorted(medians)
    assert 1800 < medians[0] < 2100
    assert medians[-1] == 3600


def test_one_strange_visit_moves_the_median_little() -> None:
    usual = [Visit("tv", "no-power", 2100)] * 40
    strange = learn([*usual, Visit("tv", "no-power", 30_000)])
    told = estimate(strange, "tv", "no-power", 2100, **PRIOR)
    assert 2100 <= told.median_s <= 2280
    assert told.spread > estimate(learn(usual), "tv", "no-power", 2100, **PRIOR).spread


def test_the_order_of_the_record_does_not_matter() -> None:
    dice = random.Random(5)
    visits = [Visit("tv", "no-power", dice.randrange(60, 9000)) for _ in range(200)]
    shuffled = visits[:]
    dice.shuffle(shuffled)
    assert learn(visits) == learn(shuffled)


def test_other_faults_learn_nothing_from_it() -> None:
    cells = learn([Visit("tv", "no-power", 9000)] * 50)
    assert estimate(cells, "tv", "no-picture", 2400, **PRIOR).median_s == 2400
