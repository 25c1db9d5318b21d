"""The face of the road network: travel matrices, routes, street names."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from domain.places import Place, to_geojson_position
from network.roads.build import GraphVersion
from network.roads.cache import UNKNOWN, MatrixCache
from network.roads.estimate import (
    GENERAL_LAW,
    TravelLaw,
    estimate_matrix,
    estimate_pair,
    fit_law,
)
from network.roads.osrm import NoRoute, OsrmClient, OsrmUnavailable, Snap
from network.roads.travel import RouteLeg, RoutePath, Source, Star, TravelMatrix
from optimizer.problem import UNREACHABLE

_SNAPS_REMEMBERED = 100_000
_CALIBRATION_PLACES = 400


class Roads:
    """Travel times of one region; safe to share between threads.

    Parameters
    ----------
    osrm_url
        Address of an OSRM server; None to estimate always.
    graph_version
        Version of its graph. Asked of the server when None; a server that does not say is used
        without a cache on disk, for its answers could be another graph's tomorrow.
    law
        The region's law, for when OSRM is out of reach.
    cache_dir
        Folder for the matrix cache; None keeps it in memory.
    profile
        Mode of travel.

    Notes
    -----
    A server out of reach is no error: ``source`` shows it in every answer.
    """

    def __init__(
        self,
        osrm_url: str | None,
        graph_version: GraphVersion | None = None,
        law: TravelLaw = GENERAL_LAW,
        cache_dir: Path | None = None,
        profile: str = "car",
    ) -> None:
        self.law = law
        self.profile = profile
        self._osrm = None if osrm_url is None else OsrmClient(osrm_url, profile)
        self._cache_dir = cache_dir
        self._graph_version = graph_version
        self._cache: MatrixCache | None = None
        self._snaps: dict[Place, Snap] = {}
        self._guard = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Save the cache and close the connections."""
        if self._cache is not None:
            self._cache.save()
        if self._osrm is not None:
            self._osrm.close()

    def matrix(self, places: Sequence[Place]) -> TravelMatrix:
        """Travel between all places, from the cache as far as it reaches.

        Places beyond the snapping cap are marked in ``unreachable``. Without OSRM, what the
        cache does not know is estimated, and marked in ``estimated``.
        """
        snaps = self._snap_if_possible(places)
        unreachable = np.array([snap is not None and not snap.reachable for snap in snaps], bool)
        on_road = np.array([snap is not None and snap.reachable for snap in snaps], bool)
        on_points = [snap.place for snap in snaps if snap is not None and snap.reachable]
        points = list(dict.fromkeys(on_points))
        index = {point: row for row, point in enumerate(points)}
        rows = np.array([index[point] for point in on_points], dtype=np.int64)

        shape = (len(places), len(places))
        durations_s, distances_m = np.full((2, *shape), UNKNOWN, dtype=np.int32)
        for values, of_points in zip(
            (durations_s, distances_m), self._points_matrix(points), strict=True
        ):
            values[np.ix_(on_road, on_road)] = of_points[np.ix_(rows, rows)]
            values[unreachable, :] = values[:, unreachable] = UNREACHABLE
            np.fill_diagonal(values, 0)

        estimated = durations_s == UNKNOWN
        if estimated.any():
            law_durations_s, law_distances_m = estimate_matrix(places, self.law)
            durations_s[estimated] = law_durations_s[estimated]
            distances_m[estimated] = law_distances_m[estimated]
        source: Source = "osrm"
        if estimated.any() or None in snaps:
            on_diagonal = np.eye(len(places), dtype=np.bool_)
            source = "estimated" if (estimated | on_diagonal).all() else "mixed"
        return TravelMatrix(
            durations_s=durations_s,
            distances_m=distances_m,
            source=source,
            snapped_m=np.array([np.nan if snap is None else snap.distance_m for snap in snaps]),
            unreachable=unreachable,
            estimated=estimated,
            law=None if source == "osrm" else self.law,
        )

    def star(self, centre: Place, places: Sequence[Place]) -> Star:
        """Travel from every place to one new place and back, and nothing else.

        Two requests of 1 × n instead of an n × n matrix. What the roads cannot say is estimated;
        a place beyond the snapping cap is `UNREACHABLE`.
        """
        everywhere = [centre, *places]
        snaps = self._snap_if_possible(everywhere)
        rows = np.full((4, len(places)), UNKNOWN, dtype=np.int32)
        known = [k for k, snap in enumerate(snaps[1:]) if snap is not None and snap.reachable]
        hub = snaps[0]
        with contextlib.suppress(OsrmUnavailable):
            if self._osrm is not None and hub is not None and hub.reachable and known:
                points = [snap.place for snap in snaps[1:] if snap is not None and snap.reachable]
                for row, ends in ((0, (points, [hub.place])), (1, ([hub.place], points))):
                    durations_s, distances_m = self._osrm.matrix(*ends)
                    rows[row, known] = durations_s.ravel()
                    rows[row + 2, known] = distances_m.ravel()
        off = np.array([snap is not None and not snap.reachable for snap in snaps[1:]], bool)
        rows[:, off | (hub is not None and not hub.reachable)] = UNREACHABLE
        unknown = rows[0] == UNKNOWN
        for k in np.flatnonzero(unknown).tolist():
            duration_s, distance_m = estimate_pair(centre, places[k], self.law)
            rows[:2, k], rows[2:, k] = duration_s, distance_m
        for k, place in enumerate(places):
            if place == centre:
                rows[:, k] = 0
        source: Source = "osrm"
        if unknown.any():
            source = "estimated" if unknown.all() else "mixed"
        return Star(rows[0], rows[1], rows[2], rows[3], source)

    def route(self, places: Sequence[Place]) -> RoutePath:
        """The quickest way through the places in the order given.

        Raises
        ------
        ValueError
            With fewer than two places.
        """
        if len(places) < 2:
            raise ValueError(f"places: a route takes at least two, got {len(places)}")
        legs: list[RouteLeg] = []
        line: list[list[float]] = []
        try:
            snaps = self._snap(places)
            for run in _reachable_runs(snaps):
                _extend(legs, line, self._road_run(run))
        except OsrmUnavailable:
            legs, line = [], []
            for origin, destination in pairwise(places):
                duration_s, distance_m = estimate_pair(origin, destination, self.law)
                leg = RouteLeg(duration_s, distance_m, "estimated")
                _extend(legs, line, ([leg], _straight(origin, destination)))
        # All legs are the roads' or all are the law's: one request answers, or none.
        geometry = {"type": "LineString", "coordinates": line}
        return RoutePath(tuple(legs), geometry, legs[0].source)

    def street_name(self, place: Place) -> str | None:
        """Name of the nearest road; None if it has none, is too far, or OSRM is out of reach."""
        try:
            snap = self._snap([place])[0]
        except OsrmUnavailable:
            return None
        return (snap.street_name or None) if snap.reachable else None

    def calibrate(self, places: Sequence[Place], seed: int = 0) -> TravelLaw:
        """Fit the region's law on the roads between a sample of places, and use it from now on.

        Raises
        ------
        OsrmUnavailable
        ValueError
            When the places give too few connected pairs.
        """
        if self._osrm is None:
            raise OsrmUnavailable("no OSRM server was given to calibrate on")
        count = min(_CALIBRATION_PLACES, len(places))
        sample = random.Random(seed).sample(list(places), count)
        points = list(dict.fromkeys(snap.place for snap in self._snap(sample) if snap.reachable))
        durations_s, distances_m = self._osrm.matrix(points, points)
        region = self._graph_version or self._osrm.data_version() or self._osrm.url
        self.law = fit_law(points, durations_s, distances_m, region)
        return self.law

    def _snap(self, places: Sequence[Place]) -> list[Snap]:
        # Another thread may start the memory afresh: this call keeps to the one it has seen.
        snaps = self._snaps
        new = [place for place in dict.fromkeys(places) if place not in snaps]
        if not new:
            return [snaps[place] for place in places]
        if self._osrm is None:
            raise OsrmUnavailable("no OSRM server was given")
        found = dict(zip(new, self._osrm.snap(new), strict=True))
        with self._guard:
            if len(self._snaps) + len(found) > _SNAPS_REMEMBERED:
                self._snaps = {}
            self._snaps.update(found)
        return [found[place] if place in found else snaps[place] for place in places]

    def _snap_if_possible(self, places: Sequence[Place]) -> Sequence[Snap | None]:
        try:
            return self._snap(places)
        except OsrmUnavailable:
            snaps = self._snaps
            return [snaps.get(place) for place in places]

    def _points_matrix(
        self, points: Sequence[Place]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        if self._osrm is None or not points:
            nothing = np.empty((0, 0), dtype=np.int32)
            return nothing, nothing
        cache = self._opened_cache(self._osrm)
        durations_s, distances_m = cache.lookup(points)
        np.fill_diagonal(durations_s, 0)
        np.fill_diagonal(distances_m, 0)
        blocks = _missing_blocks(durations_s == UNKNOWN)
        # Out of reach in the middle: what has come so far counts, the rest stays unknown.
        with contextlib.suppress(OsrmUnavailable):
            for rows, columns in blocks:
                block = np.ix_(rows, columns)
                durations_s[block], distances_m[block] = self._osrm.matrix(
                    [points[row] for row in rows], [points[column] for column in columns]
                )
        if blocks:
            cache.store(points, durations_s, distances_m)
        return durations_s, distances_m

    def _opened_cache(self, osrm: OsrmClient) -> MatrixCache:
        with self._guard:
            if self._cache is None:
                # What the server says it has goes before what the caller believes it has.
                try:
                    version = osrm.data_version() or self._graph_version
                except OsrmUnavailable:
                    version = self._graph_version
                path = None
                if self._cache_dir is not None and version is not None:
                    path = self._cache_dir / f"{version}-{self.profile}.npz"
                self._cache = MatrixCache(path)
            return self._cache

    def _road_run(self, run: Sequence[Snap]) -> tuple[list[RouteLeg], list[list[float]]]:
        if self._osrm is None:
            raise OsrmUnavailable("no OSRM server was given")
        points = [snap.place for snap in run]
        if all(snap.reachable for snap in run):
            try:
                route = self._osrm.route(points)
            except NoRoute:
                if len(run) > 2:
                    legs: list[RouteLeg] = []
                    line: list[list[float]] = []
                    for pair in pairwise(run):
                        _extend(legs, line, self._road_run(pair))
                    return legs, line
            else:
                figures = zip(route.durations_s, route.distances_m, strict=True)
                return [RouteLeg(*leg, "osrm") for leg in figures], route.geometry["coordinates"]
        return [RouteLeg(UNREACHABLE, UNREACHABLE, "osrm")], _straight(points[0], points[1])


def _missing_blocks(
    missing: NDArray[np.bool_],
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rectangles that cover the missing cells: rows of new points, their columns, what is left."""
    # A new point knows no other: it misses all but the diagonal.
    new = missing.sum(axis=1) >= len(missing) - 1
    old = ~new
    blocks = [(new, np.ones_like(new)), (old, new)]
    left = missing & old[:, None] & old[None, :]
    blocks.append((left.any(axis=1), left.any(axis=0)))
    indexes = [(np.flatnonzero(rows), np.flatnonzero(columns)) for rows, columns in blocks]
    return [(rows, columns) for rows, columns in indexes if missing[np.ix_(rows, columns)].any()]


def _reachable_runs(snaps: Sequence[Snap]) -> list[list[Snap]]:
    """Cut the sequence so that one request answers each stretch; neighbours share a place."""
    runs: list[list[Snap]] = []
    for origin, destination in pairwise(snaps):
        connects = origin.reachable and destination.reachable
        if connects and runs and all(snap.reachable for snap in runs[-1]):
            runs[-1].append(destination)
        else:
            runs.append([origin, destination])
    return runs


def _extend(
    legs: list[RouteLeg],
    line: list[list[float]],
    stretch: tuple[list[RouteLeg], list[list[float]]],
) -> None:
    legs.extend(stretch[0])
    line.extend(stretch[1][1:] if line and line[-1] == stretch[1][0] else stretch[1])


def _straight(origin: Place, destination: Place) -> list[list[float]]:
    return [to_geojson_position(origin), to_geojson_position(destination)]
