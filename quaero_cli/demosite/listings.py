"""Pages that list articles: the front page, sections, authors, tags."""

from collections.abc import Sequence
from html import escape

from quaero_cli.demosite.desks import Desk, desks
from quaero_cli.demosite.edition import (
    MOTTO,
    NAME,
    PER_PAGE,
    RECENT,
    Edition,
    picture_path,
    section_pages,
    section_path,
    tag_path,
)
from quaero_cli.demosite.markup import Head, bullets, document, link, og, stamp
from quaero_cli.demosite.newsroom import Article, Author

_CARDS = 6  # articles beside the lead on the front page
_PER_BLOCK = 4  # articles of each section on the front page


def front_page(edition: Edition, base: str) -> str:
    """Return the front page: the lead, the latest, a block for each section."""
    lead, *rest = edition.articles
    cards = "".join(_card(article) for article in rest[:_CARDS])
    blocks = "".join(_block(edition, desk) for desk in desks())
    most_read = [link(target, article.headline) for target, article in edition.tracked.items()]
    main = f"""<main class="front">
<section class="top">
<div class="lead">{_picture(lead)}<p class="kicker">{link(section_path(lead.desk), lead.desk.title)}</p>
<h2>{link(lead.path, lead.headline)}</h2><p class="standfirst">{escape(lead.standfirst)}</p>{_byline(lead)}</div>
<aside class="most-read"><h3>Most read</h3><ol>{"".join(f"<li>{item}</li>" for item in most_read)}</ol>
<form action="/search" method="get"><input name="q" placeholder="Search the Gazette" aria-label="Search"></form>
</aside>
</section>
<section class="cards">{cards}</section>
<section class="blocks">{blocks}</section>
</main>"""
    extra = og([("og:type", "website"), ("og:site_name", NAME), ("og:title", NAME), ("og:url", f"{base}/")])
    return document(Head(NAME, MOTTO, "/", extra=extra), main, base)


def section_page(edition: Edition, desk: Desk, number: int, base: str) -> str:
    """Return page `number` (from 1) of a section."""
    last = section_pages(edition, desk)
    shown = edition.by_desk[desk][(number - 1) * PER_PAGE : number * PER_PAGE]
    title = desk.title if number == 1 else f"{desk.title}, page {number}"
    pages = "".join(
        f'<span aria-current="page">{page}</span>' if page == number else link(section_path(desk, page), str(page))
        for page in range(1, last + 1)
    )
    tags = " ".join(link(tag_path(tag), tag) for tag in desk.tags if edition.by_tag[tag])
    main = f"""<main class="listing">
<h1>{escape(title)}</h1><p class="topics">{tags}</p>
{_teasers(shown)}
<nav class="pages" aria-label="Pages">{pages}</nav>
</main>"""
    page = Head(
        title,
        f"{desk.title}: all stories of {NAME}",
        section_path(desk, number),
        language=desk.language,
        desk=desk.slug,
        extra=og([("og:type", "website"), ("og:site_name", NAME)]),
    )
    return document(page, main, base)


def author_page(edition: Edition, author: Author, base: str) -> str:
    """Return an author's page with their newest articles."""
    shown = edition.by_author[author][:RECENT]
    main = f"""<main class="listing"><h1>{escape(author.name)}</h1><p class="standfirst">{escape(author.about)}</p>
{_teasers(shown)}</main>"""
    extra = og([("og:type", "profile"), ("og:site_name", NAME)])
    return document(Head(author.name, author.about, author.path, extra=extra), main, base)


def authors_page(edition: Edition, base: str) -> str:
    """Return the list of authors."""
    names = [f"{link(author.path, author.name)}: {escape(author.about)}" for author in edition.by_author]
    main = f'<main class="listing"><h1>Our authors</h1>{bullets(names, "people")}</main>'
    return document(Head("Our authors", f"Who writes for {NAME}", "/authors/"), main, base)


def tag_page(edition: Edition, tag: str, base: str) -> str:
    """Return a tag's page with its newest articles."""
    main = f'<main class="listing"><h1>{escape(tag)}</h1>{_teasers(edition.by_tag[tag][:RECENT])}</main>'
    return document(Head(tag, f"Stories about {tag}", tag_path(tag)), main, base)


def _byline(article: Article) -> str:
    author = link(article.author.path, article.author.name)
    return f'<p class="byline"><span class="author">{author}</span> <span class="date">{stamp(article)}</span></p>'


def _picture(article: Article) -> str:
    return (
        f'<a class="picture" href="{article.path}" tabindex="-1"><img src="{picture_path(article)}" alt="" '
        'loading="lazy" width="1200" height="675"></a>'
    )


def _card(article: Article) -> str:
    kicker = link(section_path(article.desk), article.desk.title)
    return (
        f'<div class="card desk-{article.desk.slug}" lang="{article.language}">{_picture(article)}'
        f'<p class="kicker">{kicker}</p><h3>{link(article.path, article.headline)}</h3>{_byline(article)}</div>'
    )


def _block(edition: Edition, desk: Desk) -> str:
    shown = edition.by_desk[desk][:_PER_BLOCK]
    items = bullets([f"{link(article.path, article.headline)} {stamp(article)}" for article in shown])
    title = link(section_path(desk), desk.title)
    return f'<div class="block desk-{desk.slug}" lang="{desk.language}"><h2>{title}</h2>{items}</div>'


def _teasers(articles: Sequence[Article]) -> str:
    if not articles:
        return "<p>Nothing here yet.</p>"
    return "\n".join(
        f'<div class="teaser desk-{article.desk.slug}" lang="{article.language}">{_picture(article)}<div>'
        f"<h2>{link(article.path, article.headline)}</h2><p>{escape(article.standfirst)}</p>{_byline(article)}"
        "</div></div>"
        for article in articles
    )
