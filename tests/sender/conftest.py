"""A service that reports are sent to."""

from tests.support.reporting import front as front
from tests.support.reporting import shell as shell
