"""The order of decays over the whole training under AdamW and Muon, by the trials of `decay_and_averages`."""

from collections.abc import Mapping

from decay_and_averages import SETTINGS, Decays


def findings() -> Mapping[str, Decays]:
    """What the section shows, by optimizer."""
    settings = (SETTINGS["chars-transformer"], SETTINGS["chars-transformer-muon"])
    return {setting.optimizer: Decays(setting) for setting in settings}
