"""Column numbers of the plain kernel's node rows; Numba reads them as constants."""

# node[i]: int32[16], one cache line. The first eight columns change, and are what an undo restores.
# FINISH = end of service, LAST = latest start that keeps every rule behind, LEG = drive to NEXT.
ROUTE, PREV, NEXT, FINISH, LAST, LEG, STAMP, SPARE = range(8)
LOC, OPEN, CLOSE, SERVICE = 8, 9, 10, 11
CHANGING = 6
