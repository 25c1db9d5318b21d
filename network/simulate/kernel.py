"""The compiled loop of the screening mode: technicians pick their next fault one after another.

Each time somebody is free, the most pressing tier of what is open and possible is looked at, and
the nearest fault of it is taken. No plan, no insertion, no second thoughts; the same faults,
shifts, breaks, sickness and noise as in the full mode.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

TIERS = 3
"""0: would come too late another day; 1: the next day is the last one; 2: there is time."""


@numba.njit(cache=True, nogil=True)
def run(
    at_s: Any,  # int64[n], sorted
    known_s: Any,  # int64[n], sorted: when the dispatcher acts on it
    due_s: Any,  # int64[n]
    place: Any,  # int64[n], row of the matrix
    kind: Any,  # int64[n]
    job_class: Any,  # int64[n]
    service_s: Any,  # int64[kinds]
    service_factor: Any,
    drive_factor: Any,  # float64[n, attempts]
    no_access: Any,  # bool[n, attempts]
    inserted: Any,  # bool[classes]
    no_access_s: int,
    durations: Any,  # int32[places, places]
    distances: Any,
    able: Any,  # bool[duties, kinds]: skills and classes served
    duty: Any,  # int64[duties, 5]: start, end, limit, home, plan moment; sorted by start
    speed: Any,  # float64[duties]
    traffic: Any,  # float64[duties]
    pause_from: Any,  # int64[duties + 1]
    pauses: Any,  # int64[pauses, 3]: earliest, latest, duration
    reach: Any,  # int64[duties, classes, 2]: class served next, and next but one, after the duty
    arrived_s: Any,  # int64[n] out, -1
    rows: Any,  # int64[duties, 5] out: home_s, service, travel, metres, visits
) -> None:
    n, duties = len(at_s), len(duty)
    attempts = np.zeros(n, np.int64)
    ready = np.zeros(n, np.int64)  # from when an open fault may be taken
    open_faults = np.zeros(n, np.int64)
    count, reported = 0, 0
    free = np.empty(duties, np.int64)
    where = np.empty(duties, np.int64)
    next_pause = pause_from[:-1].copy()
    for d in range(duties):
        free[d], where[d] = duty[d, 0], duty[d, 3]
        rows[d, 0] = duty[d, 0]
    active = np.zeros(duties, np.int64)
    n_active, entered = 0, 0
    while entered < duties or n_active > 0:
        # Whoever is free first acts next; shifts enter in the order of their starts.
        best = -1
        for a in range(n_active):
            if best < 0 or free[active[a]] < free[active[best]]:
                best = a
        if entered < duties and (best < 0 or duty[entered, 0] <= free[active[best]]):
            active[n_active] = entered
            n_active += 1
            entered += 1
            continue
        d = active[best]
        now = free[d]
        while reported < n and known_s[reported] <= now:
            ready[reported] = known_s[reported]
            open_faults[count] = reported
            count += 1
            reported += 1
        if next_pause[d] < pause_from[d + 1] and now >= pauses[next_pause[d], 0]:
            free[d] = now + pauses[next_pause[d], 2]
            next_pause[d] += 1
            continue
        end, limit, home, planned = duty[d, 1], duty[d, 2], duty[d, 3], duty[d, 4]
        chosen, chosen_tier, chosen_leg = -1, TIERS, np.int64(0)
        k = 0
        for o in range(count):
            j = open_faults[o]
            if not able[d, kind[j]] or ready[j] > now:
                continue
            c = job_class[j]
            if not inserted[c] and at_s[j] > planned and attempts[j] == 0:
                continue  # waits for the next morning's plan
            if arrived_s[j] >= 0:
                tier = 1
            elif due_s[j] < reach[d, c, 0]:
                tier = 0
            elif due_s[j] < reach[d, c, 1]:
                tier = 1
            else:
                tier = 2
            if tier > chosen_tier:
                continue
            leg = np.int64(durations[where[d], place[j]] / speed[d] + 0.5)
            if tier == chosen_tier and leg >= chosen_leg:
                continue
            back = np.int64(durations[place[j], home] / speed[d] + 0.5)
            if now + leg + service_s[kind[j]] + back > (limit if tier == 0 else end):
                continue
            chosen, chosen_tier, chosen_leg, k = j, tier, leg, o
        if chosen < 0:
            # Nothing to do now: wait for the next report, or end the day.
            wake = limit
            if reported < n and known_s[reported] < wake:
                wake = known_s[reported]
            if next_pause[d] < pause_from[d + 1] and pauses[next_pause[d], 0] < wake:
                wake = max(pauses[next_pause[d], 0], now)
            if wake <= now:
                wake = now + 60
            if wake >= limit:
                if rows[d, 4] > 0:
                    back = np.int64(durations[where[d], home] / speed[d] * traffic[d] + 0.5)
                    rows[d, 2] += back
                    rows[d, 3] += distances[where[d], home]
                    rows[d, 0] = max(rows[d, 0], duty[d, 0]) + back
                n_active -= 1
                active[best] = active[n_active]
            else:
                free[d] = wake
            continue
        v = min(attempts[chosen], drive_factor.shape[1] - 1)
        attempts[chosen] += 1
        drive = np.int64(chosen_leg * drive_factor[chosen, v] * traffic[d] + 0.5)
        arrival = now + drive
        if arrived_s[chosen] < 0:
            arrived_s[chosen] = arrival
        if no_access[chosen, v]:
            stay = np.int64(no_access_s)
            ready[chosen] = limit
        else:
            stay = np.int64(service_s[kind[chosen]] * service_factor[chosen] + 0.5)
            count -= 1
            open_faults[k] = open_faults[count]
        rows[d, 1] += stay
        rows[d, 2] += drive
        rows[d, 3] += distances[where[d], place[chosen]]
        rows[d, 4] += 1
        free[d] = arrival + stay
        rows[d, 0] = free[d]
        where[d] = place[chosen]
