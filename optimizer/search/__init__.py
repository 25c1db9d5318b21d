"""Our own search: ruin and recreate on arrays, compiled by Numba.

``arrays`` turns a Problem into arrays, ``state`` holds a solution, ``timing`` keeps its clocks,
``insertion`` finds places, ``ruin`` and ``recreate`` take out and put back, ``anneal`` loops,
``engine`` drives it all and turns arrays back into a Plan.
"""
