"""Searches of other libraries. Each module says in its header what it watches and records; nothing is imported here.

record             the record of one search, which is a run whose children are the trials
  hyperopt         what of Hyperopt is watched
  hyperopt_spaces  what its points were drawn from
  ray_tune         what of Ray Tune is watched, where the search is run
  ray_config       what the search is set to
  ray_worker       in the processes of its trials: what is trained there is the trial's own
"""
