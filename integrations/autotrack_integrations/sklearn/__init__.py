"""scikit-learn. Each module says in its header what it watches and records; nothing is imported here.

estimators    fits and predictions: where it begins
  fit         the record of one fit; ongoing: partial_fit and warm_start; shown_warnings
  data        what it was fitted on
  asking      may the model be asked once more?  predictions  training  points  tables  explained
  facts       what the fit arrived at;  curves: what it kept of each iteration
metrics       what the user computes afterwards;  names  results
search        candidates as child runs;  candidates  optuna_search
selection     cross-validation;  nested  inspection
model         saving and loading: knows none of the others
"""
