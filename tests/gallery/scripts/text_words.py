"""Sentences of two kinds, told apart by their words."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {tfidfvectorizer__ngram_range = [1, 2], multinomialnb__alpha = 0.1}
# metrics = {test_accuracy = "accuracy"}
# data = {X = [8], y = [8]}
# model = "pipe.predict(texts_test)"

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

texts_train = [
    "win money now",
    "cheap money for you",
    "win a cheap prize now",
    "prize money waits",
    "the meeting is at noon",
    "lunch after the meeting",
    "notes of the meeting",
    "see you at lunch",
]
y_train = ["spam"] * 4 + ["mail"] * 4
texts_test = ["money money", "lunch at noon", "win the meeting"]
y_test = ["spam", "mail", "mail"]
pipe = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), MultinomialNB(alpha=0.1))
pipe.fit(texts_train, y_train)
y_pred = pipe.predict(texts_test)
print("predicted:", y_pred.tolist())
print("accuracy:", accuracy_score(y_test, y_pred))
