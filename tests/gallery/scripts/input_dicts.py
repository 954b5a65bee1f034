"""Rows as dictionaries: names become columns."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {dictvectorizer__sparse = false, decisiontreeregressor__max_depth = 3}
# metrics = {train_r2 = true}
# data = {X = [40]}
# model = "pipe.predict(rows)"

from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor

rows = [{"city": city, "rooms": rooms, "old": rooms % 2 == 0} for city in ("Bern", "Graz") for rooms in range(1, 21)]
prices = [100 * row["rooms"] + (250 if row["city"] == "Bern" else 0) for row in rows]
pipe = make_pipeline(DictVectorizer(sparse=False), DecisionTreeRegressor(max_depth=3, random_state=0))
pipe.fit(rows, prices)
print("columns:", pipe[0].get_feature_names_out().tolist())
print("price:", pipe.predict([{"city": "Graz", "rooms": 4, "old": True}]).tolist())
print("score:", pipe.score(rows, prices))
