"""`python -m ops`: the command line `playproof`, where it is not installed as a command."""

from ops.cli import main

if __name__ == "__main__":
    main()
