"""XGBoost, LightGBM and CatBoost: their boosters in their own formats, as a model and as a part of any other.

A model is a pickle, as always; each booster in it is a file beside it that every version of its library reads:

  xgboost   booster-0.ubj     lightgbm  booster-0.txt     catboost  booster-0.cbm

Each module is a format (autotrack.model.formats) and offers `apart` and `restore` for what is inside of other models.
"""
