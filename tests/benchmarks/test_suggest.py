"""The benchmark of suggestions: what it is asked for is checked, and a case without a forecast is counted."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest


def test_an_unknown_part_is_refused(monkeypatch, capsys):
    import suggest

    monkeypatch.setattr(sys, "argv", ["suggest.py", "--parts", "a,z"])
    with pytest.raises(SystemExit):
        suggest.main()
    assert "z is none of a, b, c" in capsys.readouterr().err


def test_a_case_without_a_forecast_is_counted(monkeypatch):
    import _suggest_live

    run = SimpleNamespace(lrs=np.ones(3))
    monkeypatch.setattr(_suggest_live, "cases", lambda: [("nothing else", run, [], [run], [1.0], run)])
    monkeypatch.setattr(_suggest_live, "forecast", lambda *given: SimpleNamespace(laws=None))
    assert _suggest_live.live_table().endswith("Cases left out because their runs contradict the laws: 1.")
