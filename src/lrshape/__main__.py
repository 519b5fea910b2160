"""The command line, for ``python -m lrshape``."""

from lrshape.cli import main

if __name__ == "__main__":
    main()
