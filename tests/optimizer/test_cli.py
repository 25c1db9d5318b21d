"""The command line: exit codes, one-line errors, JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from optimizer.__main__ import main
from optimizer.check import check
from optimizer.formats import plan_from_json, plan_to_json, problem_from_json, problem_to_json
from optimizer.formats.documents import write_json
from optimizer.plan import Plan, Unassigned
from optimizer.problem import Problem
from tests.optimizer.formats.test_convert import SOLOMON
from tests.optimizer.strategies import solved_problem

ROOT = Path(__file__).parents[2]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A problem and a valid plan for it."""
    problem, plan = solved_problem(7)
    write_json(problem_to_json(problem), tmp_path / "problem.json")
    write_json(plan_to_json(plan), tmp_path / "plan.json")
    return str(tmp_path / "problem.json"), str(tmp_path / "plan.json")


def test_check_accepts_a_valid_plan_and_prints_its_goals(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *files]) == 0
    out = capsys.readouterr().out
    assert out.startswith("valid\n")
    assert "travel" in out


def test_check_lists_every_violation_and_exits_with_1(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    problem = problem_from_json(files[0])
    write_json(plan_to_json(Plan()), files[1])
    assert main(["check", *files, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["valid"] is False
    assert len(report["violations"]) >= len(problem.jobs)
    assert set(report["violations"][0]) == {"rule", "where", "by", "message"}
    assert report["goals"]["unserved"] == check(problem, Plan()).goals["unserved"]
    assert main(["check", *files]) == 1
    assert "assignment at job J0: neither served nor unassigned (by 1)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "none.json", "none.json"], "cannot read none.json: No such file"),
        (["check", "{problem}", "none.json"], "cannot read none.json: No such file"),
        (["check", "{plan}", "{plan}"], "plan.json: routes: unknown key 'routes'"),
        (["check", "{problem}", "{problem}"], "unknown key"),
        (["solve", "{problem}", "--out", "{plan}"], "solve needs --seconds, --iterations or both"),
        (["solve", "{problem}", "--iterations", "1"], "required: --out"),
        (
            ["solve", "{problem}", "--iterations", "1", "--out", "/none/plan.json"],
            "cannot write /none/plan.json: /none is not a folder",
        ),
        (["solve", "{problem}", "--seconds", "nan", "--out", "{plan}"], "must be a positive"),
        (["solve", "{problem}", "--seconds", "-1", "--out", "{plan}"], "must be a positive"),
        (["solve", "{problem}", "--seconds", "x", "--out", "{plan}"], "must be a number, got 'x'"),
        (
            ["solve", "{problem}", "--iterations", "1", "--threads", "two", "--out", "{plan}"],
            "must be a whole number, got 'two'",
        ),
        (["solve", "{problem}", "--seconds", "0", "--out", "{plan}"], "must be a positive"),
        (["solve", "{problem}", "--iterations", "-1", "--out", "{plan}"], "must be between 0"),
        (
            ["solve", "{problem}", "--iterations", "1", "--threads", "0", "--out", "{plan}"],
            "must be between 1",
        ),
        (
            ["solve", "{problem}", "--iterations", "1", "--engine", "magic", "--out", "{plan}"],
            "invalid choice: 'magic'",
        ),
        (["convert", "{problem}", "--from", "excel", "--out", "{plan}"], "invalid choice: 'excel'"),
        (["convert", "{problem}", "--from", "solomon", "--out", "{plan}"], "not a Solomon file"),
        (
            ["why", "{problem}", "{plan}", "--job", "none", "--technician", "T0"],
            "problem.json: no job 'none' in the problem",
        ),
        (
            ["why", "{problem}", "{plan}", "--job", "J0", "--technician", "none"],
            "problem.json: no technician 'none' in the problem",
        ),
        (["why", "{problem}", "{plan}", "--job", "J0"], "required: --technician"),
        (["fly"], "invalid choice: 'fly'"),
        ([], "required"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_2(
    files: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    arguments = [word.format(problem=files[0], plan=files[1]) for word in arguments]
    try:
        code: Any = main(arguments)
    except SystemExit as leaving:
        code = leaving.code
    captured = capsys.readouterr()
    assert code == 2
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


DAY: dict[str, Any] = {
    "format": "zhunda-problem/1",
    "locations": [{"id": "a"}, {"id": "b"}],
    "travel": {"car": {"durations_s": [[0, 340], [355, 0]]}},
    "technicians": [
        {"id": "T", "shifts": [{"id": "s", "start": 0, "end": 40000, "start_location": 0}]}
    ],
    "jobs": [{"id": "J", "location": 1, "service_s": 600}],
}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON: Expecting value"),
        ("{no", "is not JSON: Expecting property name"),
        ("[]", "expected an object, got an array"),
        ("null", "expected an object, got null"),
        ("{}", "key 'format' is missing"),
        ("[" * 100_000, "is nested too deeply"),
        (json.dumps(DAY).replace("600", "9" * 5000), "is not JSON: Exceeds the limit"),
        (json.dumps(DAY).replace("600", "9" * 50), "jobs[0].service_s: must be at most"),
        (json.dumps(DAY).replace("600", "NaN"), "jobs[0].service_s: expected an integer, got nan"),
        (json.dumps(DAY).replace("340", "Infinity"), "expected an integer or null, got inf"),
        (json.dumps(DAY).replace("340", "-1"), "durations_s[0][1]: must not be negative"),
        (json.dumps(DAY).replace("600", "-1"), "jobs[0].service_s: must not be negative"),
        (json.dumps(DAY).replace("[355, 0]", "[355]"), "1 values, but there are 2 locations"),
        (json.dumps(DAY).replace('"b"', '"a"'), "location 'a' stands here twice"),
        (json.dumps(DAY).replace("600", '"600"'), "expected an integer, got '600'"),
        (json.dumps(DAY).replace('"service_s": 600', '"after": ["J"]'), "cannot refer to itself"),
        (json.dumps(DAY).replace('"service_s": 600', '"after": ["K"]'), "no job 'K'"),
        (json.dumps(DAY).replace('"service_s": 600', '"crew": 1000000'), "at most 100000 visits"),
    ],
    ids=range(18),
)
def test_a_bad_problem_is_one_line_with_its_file_whatever_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path, out = str(tmp_path / "problem.json"), str(tmp_path / "plan.json")
    Path(path).write_text(text)
    for arguments in (
        ["solve", path, "--iterations", "1", "--out", out],
        ["check", path, path],
    ):
        assert main(arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1 and message in captured.err
        assert captured.err.startswith(path)
    assert not Path(out).exists()


def test_nothing_to_do_nobody_there_or_nobody_able_is_a_plan(tmp_path: Path) -> None:
    path, out = tmp_path / "problem.json", tmp_path / "plan.json"
    able = {**DAY, "jobs": [{**DAY["jobs"][0], "skills": {"hv": 1}}]}
    for document in ({**DAY, "jobs": []}, {**DAY, "technicians": []}, able):
        path.write_text(json.dumps(document))
        assert main(["solve", str(path), "--iterations", "5", "--out", str(out)]) == 0
        assert main(["check", str(path), str(out)]) == 0


def test_solve_writes_a_plan_that_check_accepts(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "new.json")
    arguments = ["solve", files[0], "--iterations", "3", "--engine", "ortools", "--out", out]
    code = main([*arguments, "--json"])
    summary = json.loads(capsys.readouterr().out)
    problem = problem_from_json(files[0])
    report = check(problem, plan_from_json(out, problem))
    assert code == (0 if report.valid else 1)
    assert summary["violations"] == len(report.violations)
    assert summary["goals"]["unserved"] == report.goals["unserved"]
    assert summary["solver"]["engine"] == "ortools"
    assert set(summary["gaps"]) == set(summary["proofs"]) == set(summary["bounds"])
    main(arguments)
    shown = capsys.readouterr().out
    assert all(name in shown for name in summary["goals"])
    assert "proven best" in shown
    assert "s in all, with answers and bounds" in shown


def test_why_says_what_stands_in_the_way_or_what_it_would_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = str(tmp_path / "problem.json"), str(tmp_path / "plan.json")
    helper = {**DAY["technicians"][0], "id": "U", "skills": {"hv": 1}}
    able = {**DAY["jobs"][0], "id": "K", "skills": {"hv": 2}}
    document = {
        **DAY,
        "technicians": [*DAY["technicians"], helper],
        "jobs": [*DAY["jobs"], able],
        "objective": ["dropped", "travel"],
    }
    Path(path).write_text(json.dumps(document))
    words = ["solve", path, "--iterations", "5", "--engine", "ortools", "--out", out]
    assert main(words) == 0
    capsys.readouterr()
    words = ["why", path, out, "--job", "K", "--technician"]
    assert main([*words, "U", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {
        "job": "K", "technician": "U", "can": False, "assigned": False, "placement": None,
        "rules": [{"rule": "skills", "shifts": 1, "detail": "hv level 2 (holds 1)"}],
    }  # fmt: skip
    assert main([*words, "T"]) == 0
    assert "T cannot take K" in capsys.readouterr().out
    answers = {}
    for name in ("T", "U"):
        assert main(["why", path, out, "--job", "J", "--technician", name, "--json"]) == 0
        answers[name] = json.loads(capsys.readouterr().out)
        assert main(["why", path, out, "--job", "J", "--technician", name]) == 0
        assert "J" in capsys.readouterr().out
    assert sorted(answer["assigned"] for answer in answers.values()) == [False, True]
    for answer in answers.values():
        # both start at the same place, so that changing hands changes no goal
        assert answer["placement"]["effect"] == {"unserved": 0, "dropped": 0, "travel": 0}
        assert answer["placement"]["goals"]["travel"] == 340
    write_json(plan_to_json(Plan()), out)
    assert main([*words, "T"]) == 2
    assert "is not valid" in capsys.readouterr().err


def test_convert_writes_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "c999.txt"
    source.write_text(SOLOMON, encoding="utf-8")
    out = str(tmp_path / "problem.json")
    words = ["convert", str(source), "--from", "solomon", "--round", "round1", "--out", out]
    assert main([*words, "--objective", "vehicles,travel", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["jobs"] == 2
    problem = problem_from_json(out)
    assert problem.scale == 1
    assert [goal.name for goal in problem.objective] == ["vehicles", "travel"]


def test_export_tells_a_valid_plan_in_vrooms_words_and_refuses_another(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "solution.json"
    assert main(["export", *files, "--to", "vroom", "--out", str(out)]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["code"] == 0
    write_json(plan_to_json(Plan()), files[1])
    assert main(["export", *files, "--to", "vroom", "--out", str(out)]) == 2
    assert "is not valid: assignment" in capsys.readouterr().err


def test_a_link_is_written_through_and_a_folder_is_refused(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(real)
    write_json({"a": 1}, link)
    assert link.is_symlink()
    assert json.loads(real.read_text(encoding="utf-8")) == {"a": 1}
    assert main(["solve", files[0], "--iterations", "1", "--out", str(tmp_path)]) == 2
    assert "it is a folder" in capsys.readouterr().err


def test_the_module_runs_as_a_program(files: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", "check", *files],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def interrupted(problem: Problem, *_: object, **options: Any) -> Plan:
    """A solver that gets Ctrl-C in the middle of its work."""
    watch = options["watch"]
    from optimizer.solve import Progress

    progress = Progress({"late": 0}, 1, 0.1, 0.5, 0)
    assert watch(progress) is True
    os.kill(os.getpid(), signal.SIGINT)
    assert watch(progress) is False
    return Plan(unassigned=tuple(Unassigned(job.id) for job in problem.jobs))


def test_ctrl_c_writes_the_best_plan_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problem, _ = solved_problem(3)
    write_json(problem_to_json(problem), tmp_path / "problem.json")
    monkeypatch.setattr("optimizer.__main__.solve", interrupted)
    # A shell starts what runs in its background with this signal ignored.
    before = signal.getsignal(signal.SIGINT)
    out = tmp_path / "plan.json"
    main(["solve", str(tmp_path / "problem.json"), "--seconds", "60", "--out", str(out)])
    assert "routes" in capsys.readouterr().out
    assert len(plan_from_json(out).unassigned) == len(problem.jobs)
    assert signal.getsignal(signal.SIGINT) is before
