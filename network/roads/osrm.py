"""Client of an OSRM server over HTTP: snapping, matrices in blocks, routes.

The requests are GETs of OSRM's API version 1 (https://project-osrm.org/docs), which servers of
any release since 5 understand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
from numpy.typing import NDArray

from domain.places import Place, from_geojson_position, to_geojson_position
from network.roads.estimate import haversine_m
from optimizer.problem import UNREACHABLE

SNAP_CAP_M = 300.0
"""A place farther than this from every road is unreachable."""

BLOCK_SIZE = 1_000
"""Origins, and destinations, in one table request; larger ones take memory without being faster."""

_NEAREST_BATCH = 500

# The server drops idle connections after 5 s; ours must be gone before.
_LIMITS = httpx.Limits(max_connections=8, keepalive_expiry=4.0)
_TIMEOUT = httpx.Timeout(60.0, connect=2.0)


class OsrmUnavailable(ConnectionError):
    """The OSRM server cannot be reached or does not answer as one."""


class NoRoute(LookupError):
    """There is no way on roads through these places in this order."""


@dataclass(frozen=True, slots=True)
class Snap:
    """Where a place meets the road network.

    Parameters
    ----------
    place
        The point on the nearest road.
    distance_m
        From the place asked for, in metres.
    street_name
        Name of that road, ``""`` if it has none.
    reachable
        False when the road lies beyond :data:`SNAP_CAP_M`.
    """

    place: Place
    distance_m: float
    street_name: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class OsrmRoute:
    """A way through places: per-leg seconds and metres, and its line as GeoJSON."""

    durations_s: tuple[int, ...]
    distances_m: tuple[int, ...]
    geometry: dict[str, Any]


class OsrmClient:
    """Pooled connections to one OSRM server; safe to share between threads.

    Parameters
    ----------
    url
        Base address, such as ``http://127.0.0.1:5000``. It is called directly: the environment's
        proxies are not used.
    profile
        Name in the address; the graph decides what it means.
    """

    def __init__(self, url: str, profile: str = "car") -> None:
        self.url = url.rstrip("/")
        self.profile = profile
        self._http = httpx.Client(limits=_LIMITS, timeout=_TIMEOUT, trust_env=False)
        self._many_per_nearest = True

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
        """Close the connections."""
        self._http.close()

    def data_version(self) -> str | None:
        """Version of the server's graph as given at its build; None if it was given none.

        Raises
        ------
        OsrmUnavailable
        """
        answer = self._get("nearest", [Place(0.0, 0.0)], {"generate_hints": "false"})
        version = answer.get("data_version")
        return version if isinstance(version, str) and version else None

    def snap(self, places: Sequence[Place]) -> list[Snap]:
        """Nearest road of each place; those beyond :data:`SNAP_CAP_M` are marked unreachable.

        Raises
        ------
        OsrmUnavailable
        """
        return [snap for batch in batched(places, _NEAREST_BATCH) for snap in self._snap(batch)]

    def _snap(self, places: Sequence[Place]) -> Iterator[Snap]:
        if len(places) > 1 and self._many_per_nearest:
            answer = self._get("nearest", places, {"generate_hints": "false"})
            if answer["code"] == "Ok":
                for place, candidates in zip(places, answer["waypoints"], strict=True):
                    yield _to_snap(place, candidates)
                return
            # Servers before release 26 take one place a request, external ones may cap it.
            self._many_per_nearest = False
        for place in places:
            answer = self._get("nearest", [place], {"generate_hints": "false"})
            yield _to_snap(place, answer.get("waypoints") or {"code": answer["code"]})

    def matrix(
        self, origins: Sequence[Place], destinations: Sequence[Place]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Travel between snapped places, asked in blocks of at most 1,000 × 1,000.

        Parameters
        ----------
        origins, destinations
            Points on roads, as :meth:`snap` gives them.

        Returns
        -------
        durations_s, distances_m : arrays of shape (origins, destinations)
            Whole seconds and metres; ``UNREACHABLE`` where there is no way, or where the server
            would have left a point for a road farther than :data:`SNAP_CAP_M`.

        Raises
        ------
        OsrmUnavailable
        """
        shape = (len(origins), len(destinations))
        durations_s = np.full(shape, UNREACHABLE, dtype=np.int32)
        distances_m = np.full(shape, UNREACHABLE, dtype=np.int32)
        for row in range(0, shape[0], BLOCK_SIZE):
            for column in range(0, shape[1], BLOCK_SIZE):
                block = np.s_[row : row + BLOCK_SIZE, column : column + BLOCK_SIZE]
                durations_s[block], distances_m[block] = self._block(
                    origins[row : row + BLOCK_SIZE], destinations[column : column + BLOCK_SIZE]
                )
        return durations_s, distances_m

    def _block(
        self, origins: Sequence[Place], destinations: Sequence[Place]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        parameters = {"annotations": "duration,distance", "generate_hints": "false"}
        if origins == destinations:
            places = list(origins)
        else:
            places = [*origins, *destinations]
            count = len(origins)
            parameters["sources"] = ";".join(map(str, range(count)))
            parameters["destinations"] = ";".join(map(str, range(count, len(places))))
        answer = self._get("table", places, parameters)
        if answer["code"] != "Ok":
            raise OsrmUnavailable(f"{self.url}: table: {answer.get('message', answer['code'])}")
        durations_s = _to_whole(answer["durations"])
        distances_m = _to_whole(answer["distances"])
        rows_moved = _moved(origins, answer["sources"])
        columns_moved = _moved(destinations, answer["destinations"])
        for values in (durations_s, distances_m):
            values[rows_moved, :] = UNREACHABLE
            values[:, columns_moved] = UNREACHABLE
        return durations_s, distances_m

    def route(self, places: Sequence[Place]) -> OsrmRoute:
        """The quickest way through snapped places in the order given.

        Raises
        ------
        NoRoute
            When two of them are not connected.
        OsrmUnavailable
        ValueError
            With fewer than two places.
        """
        if len(places) < 2:
            raise ValueError(f"places: a route takes at least two, got {len(places)}")
        answer = self._get(
            "route",
            places,
            {
                "overview": "full",
                "geometries": "geojson",
                "generate_hints": "false",
                # A technician who stops may turn round; so the legs agree with the matrix.
                "continue_straight": "false",
            },
        )
        if answer["code"] in ("NoRoute", "NoSegment"):
            raise NoRoute(str(answer.get("message", answer["code"])))
        if answer["code"] != "Ok":
            raise OsrmUnavailable(f"{self.url}: route: {answer.get('message', answer['code'])}")
        route = answer["routes"][0]
        return OsrmRoute(
            tuple(round(leg["duration"]) for leg in route["legs"]),
            tuple(round(leg["distance"]) for leg in route["legs"]),
            route["geometry"],
        )

    def _get(
        self, service: str, places: Sequence[Place], parameters: Mapping[str, str]
    ) -> dict[str, Any]:
        coordinates = ";".join(
            f"{lon:.6f},{lat:.6f}" for lon, lat in map(to_geojson_position, places)
        )
        # Put together by hand: percent-encoding the semicolons would triple them.
        query = "&".join(f"{key}={value}" for key, value in parameters.items())
        path = f"{self.url}/{service}/v1/{self.profile}/{coordinates}?{query}"
        try:
            response = self._send(path)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise OsrmUnavailable(f"{self.url}: {service}: {error}") from error
        if not isinstance(answer, dict) or "code" not in answer:
            raise OsrmUnavailable(f"{self.url}: {service}: not an OSRM server's answer")
        return answer

    def _send(self, path: str) -> httpx.Response:
        try:
            return self._http.get(path)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # The server closed a pooled connection (it does so after 512 requests): ask again.
            return self._http.get(path)


def _to_snap(place: Place, candidates: Any) -> Snap:
    if not isinstance(candidates, list):
        return Snap(place, float("inf"), "", reachable=False)
    nearest = candidates[0]
    distance_m = float(nearest["distance"])
    return Snap(
        from_geojson_position(nearest["location"]),
        distance_m,
        nearest.get("name", ""),
        reachable=distance_m <= SNAP_CAP_M,
    )


def _to_whole(values: list[list[float | None]]) -> NDArray[np.int32]:
    seconds = np.array(values, dtype=np.float64)
    return np.where(np.isnan(seconds), UNREACHABLE, np.rint(seconds)).astype(np.int32)


def _moved(places: Sequence[Place], waypoints: list[dict[str, Any]]) -> NDArray[np.bool_]:
    # A point on an islet of the network is moved to the mainland, however far that is.
    positions = [from_geojson_position(waypoint["location"]) for waypoint in waypoints]
    asked = np.array([(place.lat, place.lon) for place in places])
    used = np.array([(place.lat, place.lon) for place in positions])
    return haversine_m(asked, used) > SNAP_CAP_M
