"""Topics of a few sentences by latent Dirichlet allocation: a transformation of counts, without a run."""
# expect:
# run = []

from sklearn.decomposition import LatentDirichletAllocation
from sklearn.feature_extraction.text import CountVectorizer

sentences = [
    "the cat chased the mouse under the table",
    "a mouse ran from the cat and the dog",
    "rates rose and the bank lent less money",
    "the bank lowered rates to lend money again",
    "the dog slept while the cat watched",
    "money moved from bank to bank at high rates",
]
counter = CountVectorizer(stop_words="english")
counts = counter.fit_transform(sentences)
topics = LatentDirichletAllocation(n_components=2, max_iter=8, random_state=0).fit(counts)
words = counter.get_feature_names_out()
for number, weights in enumerate(topics.components_):
    print(f"topic {number}:", [str(words[place]) for place in weights.argsort()[::-1][:4]])
print("perplexity:", topics.perplexity(counts))
