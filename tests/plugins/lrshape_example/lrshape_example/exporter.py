"""A schedule as a YAML list."""

from lrshape.frameworks import EXPORTERS, Exporter


@EXPORTERS.register("yaml")
class Yaml(Exporter):
    """A learning rate a line, as YAML reads it."""

    @classmethod
    def content(cls, schedule):
        """One line for each step."""
        return "".join(f"- {lr!r}\n" for lr in schedule.values().tolist()).encode()
