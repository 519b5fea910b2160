"""The experiments of arXiv:2603.10301 as we know them, with our own settings: `lrshape reproduce`.

The paper's numbers and exact settings are not known here; every setting is ours, and stated in the spec that
an experiment writes before it runs.
"""

from lrshape.reproduce.experiments import EXPERIMENTS, SCALES, Experiment, experiment

__all__ = ["EXPERIMENTS", "SCALES", "Experiment", "experiment"]
