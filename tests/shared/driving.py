"""Phases of a search, run on a function of a training instead of trainings."""

import numpy as np
import pandas as pd

from lrshape.study.drive import drive_search


def rows(rounds, metric):
    """The table of rounds of trials, scored by ``metric(training)``; what is not finite has diverged."""
    table = [
        {
            "phase": t.phase,
            "shape": t.shape.id,
            "family": t.shape.family.name,
            "params": t.shape.params,
            "base_lr": t.base_lr,
            "hyperparameters": t.candidate.hyperparameters,
            "seed": t.seed,
            "final/train_loss": (value := metric(t)),
            "status": "ok" if np.isfinite(value) else "diverged",
        }
        for trials in rounds
        for t in trials
    ]
    return pd.DataFrame(table)


def drive(phase, metric):
    """Run a phase on ``metric(training)``; return its rounds of trials and what it chose."""
    rounds = []
    try:
        rounds.append(next(phase))
        while True:
            rounds.append(phase.send(rows(rounds, metric)))
    except StopIteration as end:
        return rounds, end.value


def drive_all(spec, metric):
    """Run all phases on ``metric(training)``; return their trials, and the choice."""
    tables, chosen = [], []

    def drive_one(name, phase):
        rounds, choice = drive(phase, metric)
        tables.append(rows(rounds, metric))
        chosen.append(choice)
        return choice, tables[-1]

    drive_search(spec, drive_one)
    return pd.concat(tables, ignore_index=True), chosen[-1]
