"""The problem as a routing model of OR-Tools: one vehicle a shift, one node a job.

The cumul of a job on the time dimension is the moment when its setup is done; the setup is part of
the arc that leads there, so that it is not repeated at the same location.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from optimizer.problem import (
    UNREACHABLE,
    IntMatrix,
    Job,
    Problem,
    Technician,
    Travel,
    drive_s,
    service_time_s,
)
from optimizer.reference.frozen import Vehicle
from optimizer.reference.weights import Weights, drop_cost

_MATRIX_NODES = 2_500
"""Up to here arcs are tabled once (fast); above, tables would outgrow memory and are computed."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Vehicles in the order of the model, the jobs it may place, and all vehicles there are."""

    vehicles: tuple[Vehicle, ...]
    jobs: tuple[Job, ...]
    all_vehicles: tuple[Vehicle, ...]


def allowed_vehicles(fleet: Fleet, job: Job, blocked: dict[str, set[str]]) -> list[int]:
    """Vehicles that may serve the job; ``blocked`` collects rule → technicians it keeps out."""
    pin = job.pinned
    found = []
    for number, vehicle in enumerate(fleet.vehicles):
        who, shift = vehicle.technician, vehicle.shift
        broken = []
        if any(who.skills.get(skill, 0) < level for skill, level in job.skills.items()):
            broken.append("skills")
        if job.equipment - who.equipment:
            broken.append("equipment")
        if any(who.stock.get(part, 0) < count for part, count in job.parts.items()):
            broken.append("stock")
        if who.id in job.excluded or (job.allowed is not None and who.id not in job.allowed):
            broken.append("allowed")
        if pin is not None and not (
            pin.technician in (None, who.id) and pin.shift in (None, shift.id)
        ):
            broken.append("pinned")
        for rule in broken:
            blocked.setdefault(rule, set()).add(who.id)
        if not broken:
            found.append(number)
    return found


class RoutingModel:
    """Nodes 0 … n−1 are jobs; after them come the places where shifts start and end."""

    def __init__(self, problem: Problem, fleet: Fleet, weight: Weights) -> None:
        from ortools.constraint_solver import pywrapcp

        self.problem, self.fleet, self.weight = problem, fleet, weight
        self.people = [vehicle.technician for vehicle in fleet.vehicles]
        self.shifts = [vehicle.shift for vehicle in fleet.vehicles]
        places: dict[int | None, int] = {}
        for shift in self.shifts:
            for place in (shift.start_location, shift.end_location):
                places.setdefault(place, len(fleet.jobs) + len(places))
        self.locations: list[int | None] = [*(job.location for job in fleet.jobs), *places]
        self.manager = pywrapcp.RoutingIndexManager(
            len(self.locations),
            len(fleet.vehicles),
            [places[shift.start_location] for shift in self.shifts],
            [places[shift.end_location] for shift in self.shifts],
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.horizon = max(1, problem.horizon_end)
        self._tables: dict[Any, int] = {}
        self._times()
        self._jobs()
        self._loads()
        self._parts()
        self._breaks()

    def _setup(self, origin: int, target: int) -> int:
        if target >= len(self.fleet.jobs):
            return 0
        alike = origin < len(self.fleet.jobs) and self.locations[origin] == self.locations[target]
        return 0 if alike else self.fleet.jobs[target].setup_s

    def _cell(self, matrix: IntMatrix | None, origin: int, target: int) -> int:
        """What a matrix says between two nodes; 0 from start to end and to an open end."""
        first, last = self.locations[origin], self.locations[target]
        idle = origin >= len(self.fleet.jobs) and target >= len(self.fleet.jobs)
        if first is None or last is None or idle or matrix is None:
            return 0
        return int(matrix[first, last])

    def _register(self, key: Any, arc: Callable[[int, int], int]) -> int:
        """A transit for ``arc`` over nodes; vehicles with the same ``key`` share it."""
        if key not in self._tables:
            size = len(self.locations)
            if size <= _MATRIX_NODES:
                table = [[arc(i, j) for j in range(size)] for i in range(size)]
                self._tables[key] = self.routing.RegisterTransitMatrix(table)
            else:
                to_node = self.manager.IndexToNode
                self._tables[key] = self.routing.RegisterTransitCallback(
                    lambda i, j: arc(to_node(i), to_node(j))
                )
        return self._tables[key]

    def _times(self) -> None:
        jobs = self.fleet.jobs
        times, costs = [], []
        for who in self.people:
            travel = self.problem.travel[who.profile]
            pace = (who.profile, who.speed_factor, tuple(sorted(who.service_factor.items())))
            service = [service_time_s(job, who) for job in jobs]
            service += [0] * (len(self.locations) - len(jobs))

            def time(
                i: int, j: int, who: Technician = who, s: list[int] = service, m: Travel = travel
            ) -> int:
                drive = drive_s(self._cell(m.durations_s, i, j), who.speed_factor)
                return min(UNREACHABLE, s[i] + drive + self._setup(i, j))

            def cost(i: int, j: int, who: Technician = who, m: Travel = travel) -> int:
                seconds = drive_s(self._cell(m.durations_s, i, j), who.speed_factor)
                metres = self._cell(m.distances_m, i, j)
                return self.weight.travel * seconds + self.weight.distance * metres

            times.append(self._register(("time", pace), time))
            costs.append(self._register(("cost", pace[:2]), cost))
        self.routing.AddDimensionWithVehicleTransits(
            times, self.horizon, self.horizon, False, "time"
        )
        self.time = self.routing.GetDimensionOrDie("time")
        for number, shift in enumerate(self.shifts):
            self.routing.SetArcCostEvaluatorOfVehicle(costs[number], number)
            if self.weight.vehicles:
                self.routing.SetFixedCostOfVehicle(self.weight.vehicles, number)
            latest = shift.end + shift.overtime_s
            self.time.CumulVar(self.routing.Start(number)).SetRange(shift.start, latest)
            last = self.routing.End(number)
            self.time.CumulVar(last).SetRange(shift.start, latest)
            if shift.overtime_s and self.weight.overtime:
                self.time.SetCumulVarSoftUpperBound(last, shift.end, self.weight.overtime)
            if self.weight.waiting:
                self.time.SetSlackCostCoefficientForVehicle(self.weight.waiting, number)

    def _jobs(self) -> None:
        self.blocked: dict[str, dict[str, set[str]]] = {}
        for node, job in enumerate(self.fleet.jobs):
            index = self.manager.NodeToIndex(node)
            self.routing.AddDisjunction([index], drop_cost(self.problem, job, self.weight))
            blocked: dict[str, set[str]] = {}
            vehicles = allowed_vehicles(self.fleet, job, blocked)
            self.blocked[job.id] = blocked
            if len(vehicles) < len(self.fleet.vehicles):
                self.routing.VehicleVar(index).SetValues([-1, *vehicles])
            opens = job.release
            closes = self.horizon
            cumul = self.time.CumulVar(index)
            pin = job.pinned
            windows = job.time_windows
            if pin is not None and pin.start is not None:
                windows = ((pin.start, pin.start),)
            if windows:
                opens = max(opens, windows[0][0])
                closes = min(closes, windows[-1][1])
            if opens > closes or opens + job.setup_s > self.horizon:
                self.routing.VehicleVar(index).SetValues([-1])
                continue
            cumul.SetRange(opens + job.setup_s, min(self.horizon, closes + job.setup_s))
            for (_, end), (start, _) in pairwise(windows):
                if end + 1 < start:
                    cumul.RemoveInterval(end + 1 + job.setup_s, start - 1 + job.setup_s)
            if job.due is not None and self.weight.late:
                soft = max(job.due, opens) + job.setup_s
                rate = min(10**9, self.weight.late * self.problem.weight(job))
                if rate:
                    self.time.SetCumulVarSoftUpperBound(index, soft, rate)

    def _limit(self, name: str, demands: list[int], rooms: list[int]) -> None:
        """A dimension that only adds up; ``demands`` by job."""
        demands = demands + [0] * (len(self.locations) - len(demands))
        transit = self.routing.RegisterUnaryTransitVector(demands)
        self.routing.AddDimensionWithVehicleCapacity(transit, 0, rooms, True, name)

    def _loads(self) -> None:
        jobs = self.fleet.jobs
        for axis in range(max((len(job.load) for job in jobs), default=0)):
            demands = [job.load[axis] if axis < len(job.load) else 0 for job in jobs]
            rooms = [
                shift.capacity[axis] if axis < len(shift.capacity) else 0 for shift in self.shifts
            ]
            self._limit(f"load {axis}", demands, rooms)
        if any(shift.max_jobs is not None for shift in self.shifts):
            rooms = [
                len(jobs) if shift.max_jobs is None else shift.max_jobs for shift in self.shifts
            ]
            self._limit("jobs", [1] * len(jobs), rooms)

    def _parts(self) -> None:
        jobs = self.fleet.jobs
        for part in sorted({part for job in jobs for part in job.parts}):
            rooms = [who.stock.get(part, 0) for who in self.people]
            self._limit(f"part {part}", [job.parts.get(part, 0) for job in jobs], rooms)
            dimension = self.routing.GetDimensionOrDie(f"part {part}")
            ends: dict[str, list[Any]] = {}
            for number, who in enumerate(self.people):
                used = dimension.CumulVar(self.routing.End(number))
                ends.setdefault(who.id, []).append(used)
            for who in self.people:
                used = ends.pop(who.id, [])
                if len(used) > 1:
                    solver = self.routing.solver()
                    solver.Add(solver.Sum(used) <= who.stock.get(part, 0))

    def _breaks(self) -> None:
        solver = self.routing.solver()
        for number, (who, shift) in enumerate(zip(self.people, self.shifts, strict=True)):
            latest = shift.end + shift.overtime_s
            intervals = []
            for pause in shift.breaks:
                first = max(shift.start, pause.windows[0][0])
                last = min(pause.windows[-1][1], latest - pause.duration_s)
                if first <= last:
                    intervals.append(
                        solver.FixedDurationIntervalVar(
                            first, last, pause.duration_s, False, f"{number} {pause.id}"
                        )
                    )
            if intervals:
                visits = [0] * self.routing.Size()
                for node, job in enumerate(self.fleet.jobs):
                    visits[self.manager.NodeToIndex(node)] = service_time_s(job, who)
                self.time.SetBreakIntervalsOfVehicle(intervals, number, visits)

    def sequences(self, assignment: Any) -> dict[tuple[str, str], list[Job]]:
        """The jobs of every technician and shift in the order of an assignment."""
        found = {}
        for number, (who, shift) in enumerate(zip(self.people, self.shifts, strict=True)):
            jobs = []
            index = assignment.Value(self.routing.NextVar(self.routing.Start(number)))
            while not self.routing.IsEnd(index):
                jobs.append(self.fleet.jobs[self.manager.IndexToNode(index)])
                index = assignment.Value(self.routing.NextVar(index))
            found[who.id, shift.id] = jobs
        return found
