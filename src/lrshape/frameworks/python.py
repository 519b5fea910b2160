"""A schedule as a file of plain Python."""

from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS
from lrshape.frameworks.standalone import CodeExporter

_MAIN = """
if __name__ == "__main__":
    for number in range(STEPS):
        print(f"{number},{lr(number)!r}")"""


@EXPORTERS.register("python")
class Python(CodeExporter):
    """The function ``lr(step)``, without any import but ``math``."""

    imports = ("import math",)
    usage = "from schedule import STEPS, lr\nfor step in range(STEPS): ... lr(step) ..."

    @override
    @classmethod
    def file_name(cls) -> str:
        return "schedule.py"

    @override
    @classmethod
    def code(cls) -> str:
        return _MAIN
