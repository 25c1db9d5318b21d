"""An answer as maps in GeoJSON: who is near, how busy outlets are, where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.places import Place, to_geojson_position

LAYERS = ("coverage", "load", "gaps")


def layer(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One layer of an answer.

    ``coverage``: every demand point with the drive from its nearest outlet before and after, and
    its district's share of urgent arrivals in time. ``load``: every outlet with its heads and how
    much of its working time is used. ``gaps``: the demand points of districts that miss a target,
    and those no outlet reaches.

    Raises
    ------
    KeyError
        For a layer that does not exist.
    """
    features = {"coverage": _coverage, "load": _load, "gaps": _gaps}[name](answer)
    return {"type": "FeatureCollection", "name": name, "features": features}


def _feature(lat: float, lon: float, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": to_geojson_position(Place(lat, lon))},
        "properties": properties,
    }


def _shares(answer: Mapping[str, Any], stage: str, district: str) -> dict[str, float | None]:
    outcome = answer[stage]
    if outcome is None:
        return {}
    return {
        f"{name}_{stage}": (figures["districts"].get(district) or {}).get("value")
        for name, figures in outcome["classes"].items()
    }


def _coverage(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        _feature(
            point["lat"],
            point["lon"],
            {
                key: point[key]
                for key in (
                    "id", "district", "weight", "drive_before_s", "drive_after_s", "outlet",
                )
            }
            | _shares(answer, "before", point["district"])
            | _shares(answer, "after", point["district"]),
        )
        for point in answer["points"]
    ]  # fmt: skip


def _load(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    used = {
        stage: {} if answer[stage] is None else answer[stage]["outlet_utilisation"]
        for stage in ("before", "after")
    }
    return [
        _feature(
            outlet["lat"],
            outlet["lon"],
            {key: outlet[key] for key in ("id", "name", "status", "heads_before", "heads_after")}
            | {f"utilisation_{stage}": found.get(outlet["id"]) for stage, found in used.items()},
        )
        for outlet in answer["outlets"]
        if outlet["status"] != "not_chosen"
    ]


def _gaps(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    missed: dict[str, dict[str, Any]] = {}
    for name, figures in answer["after"]["classes"].items():
        for district, estimate in figures["districts"].items():
            if estimate["value"] < figures["target"]:
                missed.setdefault(district, {})[name] = {
                    "in_time": estimate["value"],
                    "target": figures["target"],
                }
    return [
        _feature(
            point["lat"],
            point["lon"],
            {
                "id": point["id"],
                "district": point["district"],
                "weight": point["weight"],
                "missed": missed.get(point["district"], {}),
                "reached": point["drive_after_s"] is not None,
            },
        )
        for point in answer["points"]
        if point["district"] in missed or point["drive_after_s"] is None
    ]
