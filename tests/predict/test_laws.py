"""Laws of curves: exact gradients, curves of their own come back, and real ones are predicted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from law_curves import CURVES, PROGRESS, STEPS, WARMUP, need, typical
from lrshape.errors import InputError
from lrshape.predict.changes import losses_and_gradients
from lrshape.predict.compressed import compress
from lrshape.predict.laws.curves import CURVE_LAWS, FORCING_MEMORY, MULTI_POWER
from lrshape.predict.runs import Run

SCHEDULES = {
    "constant": WARMUP,
    "cosine": WARMUP * (0.1 + 0.9 * (1 + np.cos(np.pi * PROGRESS)) / 2),
    "wsd": WARMUP * np.clip((1 - PROGRESS) / 0.2, 0.02, 1),
    "linear": WARMUP * (1 - PROGRESS),
    "jump": WARMUP * np.where(PROGRESS < 0.5, 1, 0.3),
}
POINTS = np.arange(200, STEPS + 1, 50)


def run(name, truth, noise=0.0):
    lrs = 1e-3 * SCHEDULES[name]
    losses = truth.curve(lrs, POINTS) + noise * np.random.default_rng(0).normal(size=len(POINTS))
    return Run(name, lrs, POINTS, losses)


@pytest.mark.parametrize("law", CURVE_LAWS.values(), ids=CURVE_LAWS)
@settings(max_examples=20)
@given(data=st.data())
def test_gradients_are_those_of_finite_differences(law, data):
    lrs = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=2, max_size=12)))
    schedule = compress(lrs).scaled(len(lrs), lrs.max())
    times = np.array([0.3, 0.7, 1.0])
    names = list(law.priors)
    parameters = np.array([mean + data.draw(st.floats(-1, 1)) * sd for mean, sd in law.priors.values()])

    def losses(parameters):
        values = {**law.fixed, **dict(zip(names, parameters, strict=True))}
        return losses_and_gradients(values, names, schedule, times)

    _, gradients = losses(parameters)
    step = 1e-5 * np.eye(len(names))
    slopes = [(losses(parameters + e)[0] - losses(parameters - e)[0]) / 2e-5 for e in step]
    np.testing.assert_allclose(
        gradients, np.transpose(slopes), rtol=1e-4, atol=1e-6 * np.abs(gradients).max()
    )


@pytest.mark.parametrize("law", CURVE_LAWS.values(), ids=CURVE_LAWS)
def test_a_law_finds_back_the_curves_that_it_made(law):
    truth = typical(law)
    fitted = law.fit([run(name, truth, noise=1e-4) for name in ("constant", "cosine", "jump")])
    unseen = [1e-3 * SCHEDULES[name] for name in ("wsd", "linear")]
    np.testing.assert_allclose(fitted.predict(unseen), truth.predict(unseen), rtol=1e-3)
    late = POINTS[10:]  # the fit does not weigh the beginning
    np.testing.assert_allclose(fitted.curve(unseen[0], late), truth.curve(unseen[0], late), rtol=1e-3)
    assert len({tuple(drawn.parameters) for drawn in fitted.draws(3)}) == 3


def test_a_compressed_forcing_memory_is_the_sum_over_steps():
    truth = typical(FORCING_MEMORY)
    v = dict(zip(truth.law.priors, truth.parameters, strict=True))
    c, beta, a = np.exp(v["log_rate"]), np.exp(v["log_beta"]), v["clock"]
    for lrs in SCHEDULES.values():
        clock = np.cumsum(lrs**a) / STEPS
        age = clock[-1] - clock + lrs**a / STEPS / 2  # the middle of the step, as in the integral
        forcing = np.sum(lrs ** (v["level"] + a) * (1 + c * age) ** -(1 + beta)) / STEPS
        progress = np.exp(v["log_progress"]) * clock[-1] ** -np.exp(v["log_alpha"])
        loss = 3.0 * (v["floor"] + progress + c * np.exp(v["log_forcing"]) * forcing)
        assert truth.predict([1e-3 * lrs]) == pytest.approx(loss, rel=5e-4)


def test_runs_that_cannot_identify_a_law_are_one_line():
    law = MULTI_POWER
    truth = typical(law)
    with pytest.raises(InputError, match=r"needs a run whose LR falls, .* got none in constant"):
        law.fit([run("constant", truth)])
    with pytest.raises(InputError, match="more than 8 logged losses after the first 5% of the steps, got 1"):
        law.fit([Run("short", 1e-3 * SCHEDULES["cosine"], [STEPS], [3.0])])
    with pytest.raises(InputError, match="final losses above 0, got -1"):
        law.fit([Run("negative", 1e-3 * SCHEDULES["cosine"], POINTS, -np.ones(len(POINTS)))])
    with pytest.raises(InputError, match="schedule 0: LRs must be one row"):
        truth.predict([[np.nan]])
    with pytest.raises(InputError, match="points must be whole numbers"):
        truth.curve(np.ones(10), [11])


@pytest.mark.parametrize("law", CURVE_LAWS.values(), ids=CURVE_LAWS)
def test_real_curves_are_predicted(law):
    folder = need(CURVES / "multi-power-law" / "csv_400")
    step = np.arange(24_000)
    warmup = np.minimum(step / 2160, 1)
    schedules = {
        "constant_24000": 3e-4 * warmup,
        "cosine_24000": warmup * (3e-5 + 2.7e-4 * (1 + np.cos(np.pi * (step - 2160) / 21_840)) / 2),
        "wsd_20000_24000": 3e-4 * warmup * 0.1 ** np.clip((step - 20_000) / 4000, 0, 1),
    }
    runs = []
    for run_name, lrs in schedules.items():
        points, _, losses = np.loadtxt(folder / f"{run_name}.csv", delimiter=",", skiprows=1).T
        runs.append(Run(run_name, lrs, points, losses))
    fitted = law.fit([runs[0], runs[2]])
    error = fitted.curve(runs[1].lrs, runs[1].points) / runs[1].losses - 1
    assert np.abs(error[-1]) < 0.02
    assert np.sqrt(np.mean(error**2)) < 0.01
