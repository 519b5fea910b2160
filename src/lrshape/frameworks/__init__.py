"""Schedules in the formats that other programs read, one exporter a file.

``EXPORTERS`` has them by name; `export` writes a file, and `Schedule.to` hands a schedule to a framework.
`TorchAverager` and `JaxAverager` average the weights of a training of one's own.
"""

from lrshape.frameworks.averagers import JaxAverager, TorchAverager
from lrshape.frameworks.exporter import EXPORTERS, Exporter
from lrshape.frameworks.standalone import CodeExporter
from lrshape.frameworks.writing import export

__all__ = ["EXPORTERS", "CodeExporter", "Exporter", "JaxAverager", "TorchAverager", "export"]
