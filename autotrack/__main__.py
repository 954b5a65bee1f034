"""`python -m autotrack` is the command `autotrack`."""

from autotrack.cli.main import main

if __name__ == "__main__":
    main()
