"""What tests of checks' pages share with those of reports."""

from browsing import browser  # noqa: F401 - a fixture
from page_checks import check_figure, hostile  # noqa: F401
