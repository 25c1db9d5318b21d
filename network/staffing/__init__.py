"""How many people an outlet needs, with which skills and shifts; what no head count can lift."""

from network.staffing.ceiling import Ceiling, Intensity, Lift, ceilings, reachable_share
from network.staffing.mix import NobodyCan, best_mix, loads, outlet_heads
from network.staffing.queueing import erlang_c, least_servers, waits_longer
from network.staffing.staff import CannotStaff, Staffing, staff

__all__ = [
    "CannotStaff",
    "Ceiling",
    "Intensity",
    "Lift",
    "NobodyCan",
    "Staffing",
    "best_mix",
    "ceilings",
    "erlang_c",
    "least_servers",
    "loads",
    "outlet_heads",
    "reachable_share",
    "staff",
    "waits_longer",
]
