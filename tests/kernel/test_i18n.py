from datetime import UTC, datetime
from pathlib import Path

import pytest

import kernel
from kernel.i18n import (
    LOCALES,
    facts_of,
    has,
    load_catalogues,
    local_time,
    negotiate,
    read_sentences,
    t,
    use_locale,
)

KERNEL = Path(kernel.__file__).parent / "locale"


def folder(at: Path, zh: dict[str, str], en: dict[str, str]) -> Path:
    at.mkdir()
    for locale, sentences in (("zh", zh), ("en", en)):
        head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        body = "".join(f'msgid "{key}"\nmsgstr "{text}"\n\n' for key, text in sentences.items())
        (at / f"{locale}.po").write_text(head + body, encoding="utf-8")
    return at


@pytest.fixture(autouse=True)
def _sentences_of_the_kernel_afterwards() -> object:  # pyright: ignore[reportUnusedFunction]
    yield
    load_catalogues([KERNEL])


def test_a_sentence_is_said_in_the_locale_in_use(tmp_path: Path) -> None:
    load_catalogues([folder(tmp_path / "a", {"hello": "你好 {name}"}, {"hello": "Hello {name}"})])
    assert t("hello", name="李") == "你好 李"
    with use_locale("en"):
        assert t("hello", name="Li") == "Hello Li"
    assert t("hello", name="李") == "你好 李"


def test_a_missing_fact_leaves_its_braces_and_a_missing_sentence_its_key(tmp_path: Path) -> None:
    load_catalogues([folder(tmp_path / "a", {"hello": "你好 {name}"}, {})])
    assert t("hello") == "你好 {name}"
    assert t("nobody.wrote.this") == "nobody.wrote.this"
    assert has("hello")
    with use_locale("en"):
        assert not has("hello")


def test_folders_are_merged_and_a_sentence_may_stand_in_one_only(tmp_path: Path) -> None:
    first = folder(tmp_path / "a", {"one": "一"}, {"one": "one"})
    second = folder(tmp_path / "b", {"two": "二"}, {"two": "two"})
    load_catalogues([first, second])
    assert (t("one"), t("two")) == ("一", "二")
    with pytest.raises(ValueError, match=r"repeats one"):
        load_catalogues([first, folder(tmp_path / "c", {"one": "壹"}, {})])


@pytest.mark.parametrize(
    ("choices", "locale"),
    [
        ({}, "zh"),
        ({"accept_language": "en-GB,en;q=0.9,zh;q=0.8"}, "en"),
        ({"accept_language": "fr,zh-CN;q=0.7,en;q=0.8"}, "en"),
        ({"accept_language": "de"}, "zh"),
        ({"accept_language": "en;q=0"}, "zh"),
        ({"accept_language": "en;q=rubbish"}, "zh"),
        ({"cookie": "en", "accept_language": "zh"}, "en"),
        ({"query": "zh", "cookie": "en"}, "zh"),
        ({"query": "tlh", "cookie": "en"}, "en"),
    ],
)
def test_the_locale_is_what_was_asked_for_most_plainly(
    choices: dict[str, str], locale: str
) -> None:
    assert negotiate(**choices) == locale


def test_times_are_shown_in_shanghai() -> None:
    moment = datetime(2022, 4, 12, 13, 0, tzinfo=UTC)
    assert local_time(moment) == "4月12日 21:00"
    with use_locale("en"):
        assert local_time(moment) == "12 Apr 21:00"


def test_both_languages_say_the_same_things_with_the_same_facts() -> None:
    zh, en = (read_sentences(KERNEL / f"{locale}.po") for locale in LOCALES)
    assert zh.keys() == en.keys()
    for key in zh:
        assert facts_of(zh, key) == facts_of(en, key), key
