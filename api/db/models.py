"""All tables, imported once, so that metadata is complete wherever it is needed."""

from api.db.audits import Audit, AuditAction, AuditFinding, AuditJob
from api.db.base import Base
from api.db.cases import (
    BreachAlert,
    ClockEvent,
    Complaint,
    ComplaintStep,
    JobPurchase,
    Purchase,
    RepairStay,
)
from api.db.consultation import AgendaItem, Suggestion
from api.db.contracts import Contract, SettledRecord, Settlement
from api.db.doorstep import HeldEvent, Photo
from api.db.exchange import CalendarFeed, Webhook, WebhookDelivery
from api.db.intake import (
    CallFigures,
    DurationModel,
    IncomingMessage,
    OutgoingMessage,
    PhoneCall,
    Receipt,
)
from api.db.ledger import LedgerAnchor, LedgerHead, LedgerRow, LedgerSeal
from api.db.links import ConsumerLink
from api.db.live import PlanChange
from api.db.looks import Look
from api.db.packs import EvidencePack
from api.db.people import DeviceKey, Person, Session, Token
from api.db.plans import Plan, PlanRun, RouteSheet, Visit, VisitEvent
from api.db.quality import FollowUp, Incident, MeritAppeal, MeritEntry, ScorecardRun, Survey
from api.db.record import Activity, IdempotencyKey
from api.db.rights import Bill, Choice, Consent, LegalText, MoneyEntry, PriceBook, Quote
from api.db.scenarios import OutletClosing, ScenarioOutlet, ScenarioRow, Transfer, Vacancy
from api.db.things import (
    Equipment,
    EquipmentCheck,
    EquipmentDuty,
    Part,
    PartReservation,
    StockBalance,
    StockMove,
    Training,
)
from api.db.work import Consumer, Job, JobEvent, Request
from api.db.workforce import Certificate, Outlet, Region, Shift, Technician

__all__ = [
    "Activity",
    "AgendaItem",
    "Audit",
    "AuditAction",
    "AuditFinding",
    "AuditJob",
    "Base",
    "Bill",
    "BreachAlert",
    "CalendarFeed",
    "CallFigures",
    "Certificate",
    "Choice",
    "ClockEvent",
    "Complaint",
    "ComplaintStep",
    "Consent",
    "Consumer",
    "ConsumerLink",
    "Contract",
    "DeviceKey",
    "DurationModel",
    "Equipment",
    "EquipmentCheck",
    "EquipmentDuty",
    "EvidencePack",
    "FollowUp",
    "HeldEvent",
    "IdempotencyKey",
    "Incident",
    "IncomingMessage",
    "Job",
    "JobEvent",
    "JobPurchase",
    "LedgerAnchor",
    "LedgerHead",
    "LedgerRow",
    "LedgerSeal",
    "LegalText",
    "Look",
    "MeritAppeal",
    "MeritEntry",
    "MoneyEntry",
    "OutgoingMessage",
    "Outlet",
    "OutletClosing",
    "Part",
    "PartReservation",
    "Person",
    "PhoneCall",
    "Photo",
    "Plan",
    "PlanChange",
    "PlanRun",
    "PriceBook",
    "Purchase",
    "Quote",
    "Receipt",
    "Region",
    "RepairStay",
    "Request",
    "RouteSheet",
    "ScenarioOutlet",
    "ScenarioRow",
    "ScorecardRun",
    "Session",
    "SettledRecord",
    "Settlement",
    "Shift",
    "StockBalance",
    "StockMove",
    "Suggestion",
    "Survey",
    "Technician",
    "Token",
    "Training",
    "Transfer",
    "Vacancy",
    "Visit",
    "VisitEvent",
    "Webhook",
    "WebhookDelivery",
]
