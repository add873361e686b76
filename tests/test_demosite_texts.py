"""demosite/newsroom.py, story.py and writer.py: what is written, by rules that keep it readable and different."""

from itertools import combinations

import pytest

from quaero_cli.demosite.desks import desks
from quaero_cli.demosite.draw import Draw
from quaero_cli.demosite.edition import section_path
from quaero_cli.demosite.newsroom import authors, newsroom, slug
from quaero_cli.demosite.story import Paragraph, Story, words
from quaero_cli.demosite.writer import Writer


@pytest.fixture(scope="module")
def articles():
    return newsroom(200, 1)


def test_texts_are_long_enough_and_complete(articles):
    """An article would be a stub, or show the marks of its template."""
    for article in articles:
        blocks = article.story().blocks
        length = sum(map(words, blocks))
        assert (250 if article.language == "en" else 150) <= length <= 900, article.path
        rendered = repr(blocks) + article.headline + article.standfirst
        assert not set("[{|#") & set(rendered.replace("[Paragraph", "").replace("=['", "")), article.path


def test_no_two_articles_are_near_duplicates(articles):
    """A crawler that drops near-duplicates would drop honest articles."""
    shingles = []
    for article in articles:
        tokens = " ".join(b.text for b in article.story().blocks if isinstance(b, Paragraph)).lower().split()
        shingles.append({tuple(tokens[at : at + 3]) for at in range(len(tokens) - 2)})
    likeness = max(len(a & b) / len(a | b) for a, b in combinations(shingles, 2))
    assert likeness < 0.3
    assert len({article.headline for article in articles}) == len(articles)


def test_topic_and_town_are_a_pair_of_their_own():
    """A larger site would tell one story of one town twice."""
    topics = [next(a.facts[key] for key in ("thing", "kurz", "court") if key in a.facts) for a in newsroom(1000, 3)]
    pairs = {(topic, a.facts["place"]) for topic, a in zip(topics, newsroom(1000, 3), strict=True)}
    assert len(pairs) == 1000


def test_larger_site_begins_with_the_smaller_one():
    """Asking for more articles would make another newspaper."""
    small, large = newsroom(20, 5), newsroom(60, 5)
    assert [(a.path, a.headline) for a in small] == [(a.path, a.headline) for a in large[:20]]


def test_deck_is_dealt_without_return():
    """An article would repeat itself while fresh sentences are left."""
    desk = desks()[0]
    writer = Writer(desk, Draw("x"), newsroom(1, 1)[0].facts)
    dealt = [writer.phrase("claim") for _ in desk.rules["claim"]]
    assert len(set(dealt)) == len(desk.rules["claim"])
    assert writer.left("claim") == 0


def test_indefinite_article_and_elision():
    """English and French would read as if a machine had written them."""
    english = Writer(desks()[0], Draw(1), {})
    assert (
        english.fill("a open door, a urban a union, a 8 and a 80, a one")
        == "an open door, an urban a union, an 8 and an 80, a one"
    )
    french = Writer(desks()[-1], Draw(1), {})
    assert french.fill("proche de Évreux et de Paris") == "proche d\u2019Évreux et de Paris"
    german = Writer(desks()[-2], Draw(1), {})
    assert german.fill("von dem Nachtzug zu der Brücke") == "vom Nachtzug zur Brücke"


def test_slugs_are_plain_ascii():
    """An address would need percent-encoding, and two ways to write it would be two pages."""
    assert slug("Zoë Müller-Åkesson, Größe: Łódź!") == "zoe-mueller-akesson-groesse-lodz"
    assert len({author.path for author in authors()}) == len(authors())
    assert section_path(desks()[0], 2) == "/science/page/2"


def test_story_stops_when_the_words_run_out():
    """A very long article would repeat its sentences for ever."""
    article = newsroom(1, 1)[0]
    story = Story(Writer(article.desk, Draw(1), article.facts), Draw(2), shortest=50_000, longest=50_000)
    assert sum(map(words, story.blocks)) < 3000
