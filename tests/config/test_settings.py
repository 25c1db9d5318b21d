from pathlib import Path

import pytest

from config.settings import ROOT, SettingsError, load_settings


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"ZHUNDA_DATA_DIR": str(tmp_path / "data")}


def test_the_defaults_make_a_demo_on_port_8080(environ: dict[str, str]) -> None:
    settings = load_settings(environ)
    assert settings.demo
    assert settings.web_port == 8080
    assert settings.database_url == ""
    assert settings.web_dist == ROOT / "web" / "dist"


def test_the_environment_wins_over_the_operators_file_which_wins_over_the_defaults(
    environ: dict[str, str], tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("web_port = 9000\nplan_seconds = 20\n", encoding="utf-8")
    settings = load_settings({**environ, "ZHUNDA_CONFIG": str(own), "ZHUNDA_WEB_PORT": "9001"})
    assert settings.web_port == 9001
    assert settings.plan_seconds == 20
    assert settings.plan_threads == 2


def test_hosting_platforms_names_for_database_and_roads_are_read(environ: dict[str, str]) -> None:
    urls = {"DATABASE_URL": "postgresql://u@db/z", "OSRM_URL": "http://roads:5000"}
    settings = load_settings({**environ, **urls})
    assert settings.database_url == "postgresql://u@db/z"
    assert settings.sqlalchemy_url == "postgresql+psycopg://u@db/z"
    assert settings.osrm_url == "http://roads:5000"


def test_an_empty_variable_is_no_setting(environ: dict[str, str]) -> None:
    assert load_settings({**environ, "ZHUNDA_WEB_PORT": ""}).web_port == 8080


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("web_prot = 9000", "web_prot"),
        ('web_port = "9000"', "web_port"),
        ("web_port = true", "web_port"),
        ("web_port = 0", "web_port"),
        ('plan_engine = "magic"', "magic"),
        ('database_url = "mysql://x"', "database_url"),
        ('secret = "short"', "secret"),
        ("web_port = ", "own.toml"),
    ],
)
def test_a_bad_file_is_refused_with_the_key_named(
    environ: dict[str, str], tmp_path: Path, line: str, named: str
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(line, encoding="utf-8")
    with pytest.raises(SettingsError, match=named):
        load_settings({**environ, "ZHUNDA_CONFIG": str(own)})


@pytest.mark.parametrize(
    ("variable", "value"), [("ZHUNDA_WEB_PORT", "many"), ("ZHUNDA_DEMO", "maybe")]
)
def test_a_bad_variable_is_refused_by_its_name(
    environ: dict[str, str], variable: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        load_settings({**environ, variable: value})


def test_the_secret_is_made_once_and_readable_by_nobody_else(environ: dict[str, str]) -> None:
    first, second = load_settings(environ), load_settings(environ)
    assert len(first.secret) >= 32
    assert first.secret == second.secret
    assert (first.data_dir / "secret").stat().st_mode & 0o077 == 0


def test_a_child_process_reads_the_very_settings_of_its_parent(
    environ: dict[str, str], tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("demo = false\nweb_threads = 3\n", encoding="utf-8")
    settings = load_settings({**environ, "ZHUNDA_CONFIG": str(own)})
    assert load_settings(settings.environment()) == settings


def test_commands_beside_a_running_supervisor_find_its_services(environ: dict[str, str]) -> None:
    written = Path(environ["ZHUNDA_DATA_DIR"]) / "run" / "services.json"
    written.parent.mkdir(parents=True)
    written.write_text('{"database_url": "postgresql://z@/z?host=/s"}', encoding="utf-8")
    assert load_settings(environ).database_url == "postgresql://z@/z?host=/s"
    assert load_settings(environ, use_running_services=False).database_url == ""
