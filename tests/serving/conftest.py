"""A store with models of several kinds, and servers that answer for them: processes of their own, on loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from model_server import House, Server, running

MODELS = """
    import time

    class Failing(BaseEstimator):
        def predict(self, X):
            raise RuntimeError("secret detail of the model")

    class Rows(BaseEstimator):
        def predict(self, X):
            return pd.DataFrame({"score": [0.5, float("nan")], "label": ["a", None]})

    class Slow(BaseEstimator):
        inside = 0

        def predict(self, X):
            type(self).inside += 1
            time.sleep(0.5)
            seen = type(self).inside
            type(self).inside -= 1
            return [seen] * len(X)

    frame = pd.DataFrame({
        "age": [31, 45, 22, 60], "income": [1.5, 2.5, 3.5, 0.5], "city": ["Bonn", "Ulm", "Bonn", "Ulm"],
        "plan": pd.Categorical(["a", "b", "a", "b"]),
    })
    encoder = make_column_transformer((OneHotEncoder(), ["city", "plan"]), remainder="passthrough")
    keep("mixed", make_pipeline(encoder, LogisticRegression()).fit(frame, [0, 1, 0, 1]), frame)
    array = np.arange(12.0).reshape(4, 3)
    keep("plain", LinearRegression().fit(array, array.sum(1)), array)
    texts = ["good day", "bad day", "good night", "bad luck"]
    words = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, ["+", "-", "+", "-"])
    keep("texts", words, texts)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout(0.5))
    torch.nn.init.ones_(net[0].weight), torch.nn.init.zeros_(net[0].bias)
    keep("net", net.train(), torch.ones(4, 3))
    from sklearn.tree import DecisionTreeRegressor
    keep("tree", DecisionTreeRegressor().fit(array, array.sum(1)), array)
    keep("failing", Failing(), array)
    keep("rows", Rows(), array)
    keep("slow", Slow(), array)
    keep("unknown", LinearRegression().fit(frame[["age", "income"]], [1, 2, 3, 4]))
    keep("größe 模型", LinearRegression().fit(array, array.sum(1)), array)
"""


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A user's store with models. Tests leave it as it is."""
    found = House(tmp_path_factory.mktemp("house"))
    found.python(MODELS)
    return found


@pytest.fixture
def own_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A user's empty store, for a test that changes it."""
    return House(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="session")
def serving(house: House) -> Iterator[Callable[[str], Server]]:
    """`serving("plain@champion")`: a server that several tests ask, and none ends."""
    started: dict[str, Server] = {}
    with ExitStack() as stack:

        def start(reference: str) -> Server:
            if reference not in started:
                started[reference] = stack.enter_context(running(house, reference))
            return started[reference]

        yield start
