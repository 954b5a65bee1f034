"""What a script says about itself: the settings it reads (`settings.py`), the numbers it shows (`said.py`).

All of it is told to `autotrack.run.heard`, where the recorder of a training finds it; nothing is recorded here.
"""
