"""What happens next in a job - which steps start, are skipped, are stopped - and what became of it. Pure.

`rules` says how steps stand to each other and holds the theory; `course` follows one job and decides; `verdict`
judges what has ended.
"""

from quaero_cli.plan.course import Course, Decision
from quaero_cli.plan.rules import Plan
from quaero_cli.plan.verdict import job_status, judge_step

__all__ = ["Course", "Decision", "Plan", "job_status", "judge_step"]
