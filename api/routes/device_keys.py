"""Keys with which technicians' phones sign what they tell."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.access import V1
from api.db.models import DeviceKey
from api.parsing import Blueprint
from api.schemas.plans import DeviceKeySchema, NewDeviceKeySchema
from api.services import device_keys
from api.services.visits import utc_now
from api.unit_of_work import database, identity

blueprint = Blueprint("device_keys", __name__, url_prefix=V1, description="Keys of phones")


@blueprint.route("/me/device-keys", methods=["POST"])
@blueprint.arguments(NewDeviceKeySchema)
@blueprint.response(201, DeviceKeySchema)
def register(data: dict[str, Any]) -> DeviceKey:
    """Register the public half of a key that this phone has made. The phone makes the id."""
    return device_keys.register(database(), data["id"], data["public_key"], identity(), utc_now())


@blueprint.route("/me/device-keys/<uuid:key_id>", methods=["DELETE"])
@blueprint.response(204)
def end(key_id: UUID) -> None:
    """This phone signs no more with the key; what it has signed stays signed."""
    device_keys.end(database(), key_id, identity(), utc_now())
