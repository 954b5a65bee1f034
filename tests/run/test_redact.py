"""Secrets never enter the record, and what only looks like one stays."""

import pytest

from autotrack.run.redact import redact, redact_arguments, redact_value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("api_key", "abcdefgh12345"),
        ("OPENAI_API_KEY", "abcdefgh12345"),
        ("password", "correct horse"),
        ("db_password", "correct horse"),
        ("accessKey", "abcdefgh12345"),
        ("auth_token", "abcdefgh12345"),
        ("client_secret", "abcdefgh12345"),
    ],
)
def test_text_under_a_secrets_name_is_hidden(name, text):
    assert redact_value(name, text) == "***"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("num_tokens", "4"),
        ("tokenizer", "bert-base-uncased"),
        ("max_tokens", "1000000000"),
        ("pad_token_id", "0"),
        ("token", "[CLS]"),
        ("author", "Ada Lovelace of London"),
        ("monkey", "a long enough text"),
        ("key_dim", "a long enough text"),
    ],
)
def test_words_of_machine_learning_are_no_secrets(name, text):
    assert redact_value(name, text) == text


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1" * 18,
        "hf_" + "a1" * 17,
        "sk-" + "a1" * 20,
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4",
    ],
)
def test_known_tokens_are_hidden_wherever_they_stand(secret):
    assert redact(f"before {secret} after") == "before *** after"


def test_passwords_in_urls_are_hidden_and_the_rest_stays():
    assert redact("postgresql://ada:pa55@db.example/optuna") == "postgresql://***@db.example/optuna"
    assert redact("https://example.org/a?x=1&sig=abc%2F&y=2") == "https://example.org/a?x=1&sig=***&y=2"


def test_command_lines_lose_only_the_values_of_secret_options():
    given = ["train.py", "--lr", "0.1", "--api-key", "abcdefgh", "--password=hunter22", "--tokenizer", "bert-base"]
    wanted = ["train.py", "--lr", "0.1", "--api-key", "***", "--password=***", "--tokenizer", "bert-base"]
    assert redact_arguments(given) == wanted
