from __future__ import annotations

from datetime import date

from flask.testing import FlaskClient

DAY = date(2026, 11, 24)


def test_an_outlet_a_technician_and_a_shift_can_be_added(admin: FlaskClient) -> None:
    outlet = admin.post(
        "/api/v1/outlets",
        json={"name": "North", "address": "Calle 1", "place": {"lat": -29.9, "lon": -71.25}},
    ).get_json()
    technician = admin.post(
        "/api/v1/technicians",
        json={
            "name": "Eva Example",
            "outlet_id": outlet["id"],
            "skills": {"tv": 2},
            "stock": {"TV-PSU": 1},
            "certificates": [
                {
                    "name": "high-voltage",
                    "skill": "tv",
                    "valid_from": "2026-01-01",
                    "valid_until": "2027-01-01",
                }
            ],
        },
    ).get_json()
    assert admin.get(f"/api/v1/technicians/{technician['id']}").get_json() == technician
    shift = {
        "technician_id": technician["id"],
        "start": "2026-12-01T11:00:00Z",
        "end": "2026-12-01T19:00:00Z",
        "breaks": [
            {
                "windows": [{"start": "2026-12-01T15:00:00Z", "end": "2026-12-01T16:00:00Z"}],
                "duration_s": 1800,
            }
        ],
    }
    answer = admin.post("/api/v1/shifts", json=shift)
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["date"] == "2026-12-01"
    overlapping = admin.post("/api/v1/shifts", json={**shift, "start": "2026-12-01T18:00:00Z"})
    assert overlapping.status_code == 422  # its break would start before the shift
    overlapping = admin.post(
        "/api/v1/shifts",
        json={
            **shift,
            "start": "2026-12-01T18:00:00Z",
            "end": "2026-12-01T20:00:00Z",
            "breaks": [],
        },
    )
    assert (overlapping.status_code, overlapping.get_json()["code"]) == (409, "double_booking")
    shifts = admin.get("/api/v1/shifts?date=2026-12-01").get_json()["items"]
    assert answer.get_json()["id"] in [shift["id"] for shift in shifts]


def test_references_to_nothing_and_names_taken_are_refused(admin: FlaskClient) -> None:
    nothing = "01890000-0000-7000-8000-000000000000"
    answer = admin.post(
        "/api/v1/technicians", json={"name": "Eva", "outlet_id": nothing, "skills": {}}
    )
    assert (answer.status_code, answer.get_json()["code"]) == (422, "unknown_reference")
    taken = admin.get("/api/v1/outlets").get_json()["items"][0]["name"]
    answer = admin.post(
        "/api/v1/outlets",
        json={"name": taken, "address": "Calle 1", "place": {"lat": 0, "lon": 0}},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (409, "already_exists")
