"""`python -m dev.server`."""

import sys

from dev.server.options import parse
from dev.server.supervisor import Supervisor

if __name__ == "__main__":
    sys.exit(Supervisor(parse(sys.argv[1:])).run())
