"""What the demo firm repairs, and the names its people have: plain data."""

from __future__ import annotations

from dataclasses import dataclass

SKILLS = ("aircon", "fridge", "washer", "tv", "heating", "gas", "kitchen")

GAS_CERTIFICATE = "gas-installer"
REFRIGERANT_CERTIFICATE = "refrigerant-handling"

CERTIFICATES = {"gas": GAS_CERTIFICATE, "aircon": REFRIGERANT_CERTIFICATE}
"""Certificate without which a skill may not be used."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One fault of one product.

    Parameters
    ----------
    product, code
        Codes that triage rules match.
    text_en, text_zh
        What the consumer says, in the languages of the pages.
    urgent
        Whether the demo firm's rule calls it urgent.
    service_s
        Usual time at the door.
    skills
        (skill, least level) pairs.
    parts
        Parts usually needed.
    share
        Relative frequency among faults of its urgency.
    """

    product: str
    code: str
    text_en: str
    text_zh: str
    urgent: bool
    service_s: int
    skills: tuple[tuple[str, int], ...]
    parts: tuple[str, ...]
    share: float

    @property
    def certificates(self) -> tuple[str, ...]:
        """Certificates the work asks for."""
        return tuple(CERTIFICATES[skill] for skill, _ in self.skills if skill in CERTIFICATES)


def _fault(
    product: str,
    code: str,
    texts: tuple[str, str],
    minutes: int,
    skills: dict[str, int],
    share: float,
    *,
    parts: tuple[str, ...] = (),
    urgent: bool = False,
) -> FaultKind:
    skill_levels = tuple(skills.items())
    return FaultKind(product, code, *texts, urgent, minutes * 60, skill_levels, parts, share)


FAULTS: tuple[FaultKind, ...] = (
    _fault("boiler", "gas-smell", ("Smell of gas at the boiler", "壁挂炉有燃气味"), 50,
           {"gas": 2}, 3, parts=("GAS-VALVE",), urgent=True),
    _fault("boiler", "no-hot-water", ("No hot water", "没有热水"), 45,
           {"gas": 1, "heating": 1}, 4, urgent=True),
    _fault("fridge", "not-cooling", ("Fridge does not cool", "冰箱不制冷"), 50,
           {"fridge": 2}, 6, urgent=True),
    _fault("washer", "leak", ("Water runs out of the washing machine", "洗衣机漏水"), 40,
           {"washer": 1}, 3, parts=("DOOR-SEAL",), urgent=True),
    _fault("oven", "burning-smell", ("Oven smells of burning, fuse trips", "烤箱有焦味并跳闸"), 45,
           {"kitchen": 2}, 2, urgent=True),
    _fault("heater", "no-heat", ("Heating is dead", "取暖设备不工作"), 45,
           {"heating": 2}, 2, parts=("THERMOSTAT",), urgent=True),
    _fault("aircon", "weak-cooling", ("Air conditioner hardly cools", "空调制冷效果差"), 50,
           {"aircon": 1}, 10),
    _fault("aircon", "drips", ("Indoor unit drips", "室内机滴水"), 35, {"aircon": 1}, 6),
    _fault("aircon", "error-code", ("Error code on the display", "显示屏报故障代码"), 55,
           {"aircon": 3}, 4, parts=("AC-BOARD",)),
    _fault("fridge", "noise", ("Fridge is loud at night", "冰箱夜间噪声大"), 30, {"fridge": 1}, 6),
    _fault("fridge", "ice", ("Ice builds up at the back", "冰箱后壁结冰"), 35,
           {"fridge": 1}, 6, parts=("DEFROST-SENSOR",)),
    _fault("washer", "no-spin", ("Does not spin", "洗衣机不脱水"), 40, {"washer": 1}, 9),
    _fault("washer", "no-drain", ("Does not drain", "洗衣机不排水"), 35,
           {"washer": 1}, 9, parts=("DRAIN-PUMP",)),
    _fault("washer", "board", ("Programme stops halfway", "程序中途停止"), 50,
           {"washer": 3}, 3, parts=("WM-BOARD",)),
    _fault("tv", "no-picture", ("Sound but no picture", "有声音没图像"), 40, {"tv": 2}, 8),
    _fault("tv", "no-power", ("Television does not switch on", "电视无法开机"), 35,
           {"tv": 1}, 7, parts=("TV-PSU",)),
    _fault("oven", "uneven", ("Oven bakes unevenly", "烤箱加热不均"), 35, {"kitchen": 1}, 5),
    _fault("hob", "ring-dead", ("One ring stays cold", "一个灶头不加热"), 30,
           {"kitchen": 1}, 5, parts=("RING",)),
    _fault("hob", "weak-flame", ("Weak flame on the gas hob", "燃气灶火力弱"), 30, {"gas": 1}, 4),
    _fault("heater", "service", ("Yearly check of the heating", "取暖设备年检"), 40,
           {"heating": 1}, 5),
    _fault("boiler", "pressure", ("Boiler loses pressure", "壁挂炉压力下降"), 40,
           {"heating": 2, "gas": 1}, 4),
)  # fmt: skip

BRANDS = ("Andesa", "Frimar", "Norte", "Pacífico", "Volcán")

FIRST_NAMES = (
    "Agustín", "Alejandra", "Andrés", "Antonia", "Benjamín", "Camila", "Carla", "Carlos",
    "Carolina", "Catalina", "Claudio", "Constanza", "Cristián", "Daniela", "Diego", "Eduardo",
    "Elena", "Felipe", "Fernanda", "Francisco", "Gabriela", "Gonzalo", "Ignacio", "Isidora",
    "Javiera", "Jorge", "José", "Josefa", "Juan", "Lorena", "Luis", "Macarena", "Manuel",
    "Marcela", "Marcelo", "Martín", "Matías", "Mauricio", "Nicolás", "Pablo", "Patricia",
    "Paulina", "Pedro", "Ricardo", "Rodrigo", "Rosa", "Sebastián", "Sofía", "Tomás", "Valentina",
    "Verónica", "Vicente", "Ximena",
)  # fmt: skip

SURNAMES = (
    "Aguilera", "Álvarez", "Araya", "Arancibia", "Barraza", "Bravo", "Bugueño", "Campos",
    "Carvajal", "Castillo", "Castro", "Contreras", "Cortés", "Díaz", "Espinoza", "Flores",
    "Fuentes", "Gallardo", "Garrido", "Godoy", "Gómez", "González", "Gutiérrez", "Henríquez",
    "Hernández", "Herrera", "Jara", "Jofré", "Leiva", "Lagos", "Maldonado", "Martínez", "Medina",
    "Molina", "Morales", "Moya", "Muñoz", "Navarro", "Núñez", "Olivares", "Ortiz", "Parra",
    "Pizarro", "Ramírez", "Reyes", "Rivera", "Rojas", "Salazar", "Sepúlveda", "Silva", "Soto",
    "Tapia", "Torres", "Urrutia", "Valdés", "Vega", "Véliz", "Vergara", "Zepeda",
)  # fmt: skip
