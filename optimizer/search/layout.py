"""Column numbers of the arrays; Numba reads them as constants."""

# task[i]: what does not change about a visit (or a shift's start and end node). One cache line.
LOCATION, EARLIEST, LATEST, WINDOWS, DUE, WEIGHT, SETUP, RELEASE = range(8)

# node[i]: where a visit stands in the solution. One cache line.
# FINISH = end of service; LATEST_START keeps every hard rule downstream; FREE_ARRIVAL is the latest
# arrival that makes nobody downstream later or longer at work than now.
ROUTE, PREV, NEXT, BEGIN, FINISH, LATEST_START, FREE_ARRIVAL, LEG = range(8)

# shift[r]
(
    SHIFT_START,
    SHIFT_END,
    HARD_END,
    DRIVE_KIND,
    SERVICE_KIND,
    TECHNICIAN,
    FIRST_BREAK,
    LAST_BREAK,
    SHIFT_TYPE,
    MAX_JOBS,
    FEN_PER_HOUR,
    FEN_PER_KM,
) = range(12)

# figures of a route, of what is left out, and of a whole plan
(
    UNSERVED,
    LATE,
    DROPPED,
    CHANGES,
    OVERTIME,
    TRAVEL,
    DISTANCE,
    COST,
    VEHICLES,
    WAITING,
    SPREAD,
    PREFERENCE,
    WORST_LATE,
) = range(13)
FIGURES = (
    "unserved",
    "late",
    "dropped",
    "changes",
    "overtime",
    "travel",
    "distance",
    "cost",
    "vehicles",
    "waiting",
    "spread",
    "preference",
    "worst_late",
)
N_FIGURES = 13

FAR = 1 << 40
"""Later than any second of any horizon."""

NOWHERE = 1 << 30
"""A drive this long is no drive (problem.UNREACHABLE)."""
