"""JSON in and out, and converters from public formats.

`problem_from_json` and `plan_from_json` take a parsed document or a path; whatever is wrong is one
`ProblemError` with its path.
"""

from optimizer.formats.errors import ProblemError
from optimizer.formats.plans import plan_from_json, plan_to_json
from optimizer.formats.problems import problem_from_json, problem_to_json
from optimizer.formats.validate import validate

__all__ = [
    "ProblemError",
    "plan_from_json",
    "plan_to_json",
    "problem_from_json",
    "problem_to_json",
    "validate",
]
