"""What tests of checks' pages share with those of reports."""

import runpy
from pathlib import Path

_report = runpy.run_path(str(Path(__file__).parent.parent / "report" / "conftest.py"))
browser, check, check_figure, hostile = (
    _report[name] for name in ("browser", "check", "check_figure", "hostile")
)
