"""Optuna. Each module says in its header what it watches and records; nothing is imported here.

watch       what is watched: where it begins
  study     the record of one study;  known: which record belongs to a study
  trial     the record of one trial;  spaces: what its params were drawn from
  found     trials that this process has not run: who records them
  silent    what Optuna trains for itself
  winners   whose models are kept
  places    which study a study is, across processes, without credentials
rebuild     a study out of its record: knows none of the others but spaces
"""
