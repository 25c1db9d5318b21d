"""Travel without roads: a straight line and a law calibrated for the region.

The law takes the great-circle distance d in metres to ``offset + factor · d ** exponent``, once
for seconds and once for metres by road. Short trips are slow (an offset, an exponent below one),
which no constant speed can say. It is fitted by least absolute *relative* error on pairs of
places that OSRM has answered for, and carries the error it made on places it was not fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from geopy.distance import geodesic
from numpy.typing import NDArray

from domain.places import Place
from optimizer.problem import UNREACHABLE

_EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG

_EXPONENTS = np.linspace(0.5, 1.1, 25)
_REWEIGHTINGS = 15
_LEAST_RELATIVE_RESIDUAL = 1e-3
_MIN_PAIRS = 100

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """``offset + factor · straight_m ** exponent``."""

    offset: float
    factor: float
    exponent: float

    def __call__(self, straight_m: Floats) -> Floats:
        """Value at each straight-line distance; zero where that is zero."""
        curve = self.offset + self.factor * straight_m**self.exponent
        return np.where(straight_m > 0.0, curve, 0.0)


@dataclass(frozen=True, slots=True)
class LawError:
    """Relative error |estimate / road − 1| over pairs of places kept out of the fit."""

    median: float
    p90: float
    pairs: int


@dataclass(frozen=True, slots=True)
class TravelLaw:
    """A region's law for seconds and for metres.

    Parameters
    ----------
    duration, distance
        The two curves.
    duration_error, distance_error
        What they were off by; None where the law is a general guess and not calibrated.
    region
        The graph version it was calibrated on, or a word for where it comes from.
    """

    duration: PowerLaw
    distance: PowerLaw
    duration_error: LawError | None
    distance_error: LawError | None
    region: str

    @property
    def calibrated(self) -> bool:
        """Whether the law was fitted on roads of the region."""
        return self.duration_error is not None

    def save(self, path: Path) -> None:
        """Write the law as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> TravelLaw:
        """Read a law that :meth:`save` wrote.

        Raises
        ------
        FileNotFoundError
        ValueError
            When the file does not hold a law; the message names it.
        """
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                PowerLaw(**fields["duration"]),
                PowerLaw(**fields["distance"]),
                _load_error(fields["duration_error"]),
                _load_error(fields["distance_error"]),
                fields["region"],
            )
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path}: not a travel law: {error}") from error


GENERAL_LAW = TravelLaw(
    duration=PowerLaw(offset=60.0, factor=1.3 / (40 / 3.6), exponent=1.0),
    distance=PowerLaw(offset=0.0, factor=1.3, exponent=1.0),
    duration_error=None,
    distance_error=None,
    region="general",
)
"""A detour of 1.3 at 40 km/h and a minute to get going, for regions that were never calibrated."""


def haversine_m(a: Floats, b: Floats) -> Floats:
    """Great-circle distance in metres.

    Parameters
    ----------
    a, b
        Degrees, (…, 2) as (lat, lon); shapes broadcast.

    Notes
    -----
    At most 0.56 % off the geodesic: the sphere stands in for the ellipsoid.
    """
    lat_a, lon_a = np.radians(a[..., 0]), np.radians(a[..., 1])
    lat_b, lon_b = np.radians(b[..., 0]), np.radians(b[..., 1])
    half_chord = np.sin((lat_b - lat_a) / 2) ** 2
    half_chord = half_chord + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    metres: Floats = 2 * _EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half_chord, 0.0, 1.0)))
    return metres


def straight_matrix_m(places: Sequence[Place]) -> Floats:
    """Great-circle distances between places, shape (n, n), in metres."""
    degrees = np.array([(place.lat, place.lon) for place in places]).reshape(-1, 2)
    return haversine_m(degrees[:, None, :], degrees[None, :, :])


def estimate_pair(origin: Place, destination: Place, law: TravelLaw) -> tuple[int, int]:
    """Seconds and metres from one place to another by the law, over the exact geodesic."""
    straight_m = geodesic((origin.lat, origin.lon), (destination.lat, destination.lon)).meters
    single = np.array([straight_m], dtype=np.float64)
    return _whole(law.duration(single)).item(), _whole(law.distance(single)).item()


def estimate_matrix(
    places: Sequence[Place], law: TravelLaw
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Seconds and metres between all places by the law, two arrays of shape (n, n)."""
    straight_m = straight_matrix_m(places)
    return _whole(law.duration(straight_m)), _whole(law.distance(straight_m))


def fit_law(
    places: Sequence[Place],
    durations_s: NDArray[np.int32],
    distances_m: NDArray[np.int32],
    region: str,
) -> TravelLaw:
    """Fit a law on travel that OSRM answered, by least absolute relative error.

    Parameters
    ----------
    places
        Sampled places; the law is fitted on pairs among the first half of them, and its error
        measured on pairs among the second half. Their order should be random.
    durations_s, distances_m
        Shape (n, n), ``UNREACHABLE`` where there is no way.
    region
        Name kept in the law.

    Raises
    ------
    ValueError
        When there are too few connected pairs to fit on.
    """
    straight_m = straight_matrix_m(places)
    half = len(places) // 2
    usable = (straight_m > 0) & (durations_s > 0) & (durations_s < UNREACHABLE) & (distances_m > 0)
    seen, unseen = usable.copy(), usable.copy()
    seen[half:, :] = seen[:, half:] = False
    unseen[:half, :] = unseen[:, :half] = False
    if min(seen.sum(), unseen.sum()) < _MIN_PAIRS:
        raise ValueError(f"places: {len(places)} give too few connected pairs to calibrate on")

    def fit(road: NDArray[np.int32]) -> tuple[PowerLaw, LawError]:
        law = _fit_power_law(straight_m[seen], road[seen].astype(np.float64))
        error = np.abs(law(straight_m[unseen]) / road[unseen] - 1.0)
        return law, LawError(
            round(float(np.median(error)), 4),
            round(float(np.quantile(error, 0.9)), 4),
            int(unseen.sum()),
        )

    duration, duration_error = fit(durations_s)
    distance, distance_error = fit(distances_m)
    return TravelLaw(duration, distance, duration_error, distance_error, region)


def _fit_power_law(straight_m: Floats, road: Floats) -> PowerLaw:
    best_loss, best = np.inf, PowerLaw(0.0, 1.0, 1.0)
    for exponent in _EXPONENTS:
        # Divided by the road's value, so that residuals are relative.
        design = np.column_stack([np.ones_like(straight_m), straight_m**exponent]) / road[:, None]
        weights = np.ones_like(road)
        for _ in range(_REWEIGHTINGS):
            # Iteratively reweighted least squares turns squares into absolute values.
            normal = design.T @ (design * weights[:, None])
            offset, factor = np.linalg.solve(normal, design.T @ weights)
            if offset < 0.0:
                offset, factor = 0.0, float(design[:, 1] @ weights) / normal[1, 1]
            residual = np.abs(design @ (offset, factor) - 1.0)
            weights = 1.0 / np.maximum(residual, _LEAST_RELATIVE_RESIDUAL)
        loss = float(residual.mean())
        if loss < best_loss:
            best_loss = loss
            best = PowerLaw(
                round(float(offset), 4), round(float(factor), 8), round(float(exponent), 4)
            )
    return best


def _whole(values: Floats) -> NDArray[np.int32]:
    return np.rint(values).astype(np.int32)


def _load_error(fields: dict[str, Any] | None) -> LawError | None:
    return None if fields is None else LawError(**fields)
