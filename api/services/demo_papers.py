"""The demo firm's texts and prices, so that a quote can be made and a link has something to show."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import LegalText, PriceBook
from api.services.papers import publish_prices, publish_text

TEXTS = {
    "content": {
        "en": "We find the fault, tell you what it takes and what it costs, and repair it only "
        "after you have agreed. Parts that are taken out are yours unless you leave them with us.",
        "zh": "我们检查故障，告知所需工作和费用，经您同意后方才修理。更换下来的旧件归您所有，您也可以交由我们处理。",
    },
    "fee-standard": {
        "en": "You pay the visit, the inspection, labour by the half hour, auxiliaries and parts, "
        "each as the price list says. What the three guarantees or a warranty cover costs nothing. "
        "Nothing is added without your consent.",
        "zh": "费用包括上门费、检测费、按半小时计的工时费、辅材费和配件费，均按价目表收取。三包或保修范围内的项目免费。"
        "未经您同意，不增加任何收费。",
    },
    "steps": {
        "en": "1. You report a fault. 2. We name a time. 3. A technician comes and inspects. "
        "4. You see a quote and say yes or no. 5. We repair and test. 6. You get the bill: it is "
        "what you agreed to. 7. You can complain here at any time, or call 12315.",
        "zh": "1. 您报修。2. 我们约定时间。3. 工程师上门检测。4. 您查看报价并决定是否同意。5. 修理并测试。"
        "6. 账单与您同意的金额一致。7. 您随时可以在此投诉，或拨打 12315。",
    },
    "ranking": {
        "en": "The three nearest outlets with people who can do the work. Times before your "
        "deadline come first; then the earlier, the cheaper, the nearer. Nothing about you goes "
        "into the order, and nobody pays for a place in it.",
        "zh": "显示距您最近、具备相应技能的三家网点。期限内的时间排在前面；其次按时间早晚、价格高低、距离远近排序。"
        "排序不使用您的任何个人信息，也没有人为排名付费。",
    },
    "whereabouts": {
        "en": "With your consent we keep the exact place of your door, so that technicians find "
        "it and the arrival can be proven. Without it we use your street. You can take the consent "
        "back here at any time.",
        "zh": "经您单独同意，我们保存您家门口的准确位置，用于工程师导航和到达证明。不同意时只使用街道地址。您可随时在此撤回同意。",
    },
    "privacy": {
        "en": "We keep your name, phone and address for the repair, and its record as long as the "
        "law wants. You can have a copy, and your identity taken out when everything is settled.",
        "zh": "我们为维修保存您的姓名、电话和地址，并依法保存维修记录。您可以索取副本；事项全部结清后可要求去除您的身份信息。",
    },
}

PRICES: list[dict[str, Any]] = [
    {"code": "VISIT", "kind": "visit", "name": "Visit 上门", "unit_fen": 3000},
    {"code": "INSPECT", "kind": "inspection", "name": "Inspection 检测", "unit_fen": 2000},
    {"code": "LABOUR", "kind": "labour", "name": "Labour, half an hour 工时", "unit_fen": 6000},
    {"code": "AUX", "kind": "auxiliary", "name": "Auxiliaries 辅材", "unit_fen": 1500},
    {"code": "DOOR-SEAL", "kind": "part", "name": "Door seal 门封", "unit_fen": 8900},
    {"code": "DRAIN-PUMP", "kind": "part", "name": "Drain pump 排水泵", "unit_fen": 12800},
    {"code": "GAS-VALVE", "kind": "part", "name": "Gas valve 燃气阀", "unit_fen": 18600},
    {"code": "THERMOSTAT", "kind": "part", "name": "Thermostat 温控器", "unit_fen": 9600},
    {"code": "AC-BOARD", "kind": "part", "name": "Air conditioner board 主板", "unit_fen": 42000},
    {"code": "WM-BOARD", "kind": "part", "name": "Washer board 电脑板", "unit_fen": 38000},
    {"code": "TV-PSU", "kind": "part", "name": "TV power supply 电源板", "unit_fen": 22000},
    {"code": "RING", "kind": "part", "name": "Hob ring 加热圈", "unit_fen": 7800},
    {
        "code": "DEFROST-SENSOR",
        "kind": "part",
        "name": "Defrost sensor 化霜传感器",
        "unit_fen": 4800,
    },
    {"code": "MAIL-IN", "kind": "visit", "name": "Return by post 寄回", "unit_fen": 1800},
]


def publish(session: Session, today: date) -> None:
    """Publish what is not there yet; a text that somebody has changed since stays."""
    if session.scalar(select(LegalText.id).limit(1)) is None:
        for key, bodies in TEXTS.items():
            for language, body in bodies.items():
                publish_text(session, key, language, body, None)
    if session.scalar(select(PriceBook.id).limit(1)) is None:
        publish_prices(session, "demo-1", "CNY", today.replace(month=1, day=1), PRICES, None)
