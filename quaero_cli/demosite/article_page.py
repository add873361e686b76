"""An article as HTML: the page, its print version, and the parts around it that an extractor must leave out."""

import json
from dataclasses import dataclass
from html import escape

from quaero_cli.demosite.edition import (
    ELSEWHERE,
    NAME,
    Edition,
    picture_path,
    section_path,
    tag_path,
)
from quaero_cli.demosite.markup import Head, bullets, document, head, link, og, stamp
from quaero_cli.demosite.newsroom import Article
from quaero_cli.demosite.story import Block, Figure, Heading, Listing, Paragraph, Quotation, Table


@dataclass(frozen=True, slots=True)
class _Labels:
    by: str
    published: str
    related: str
    tags: str
    read_also: str
    comments: str
    closed: str
    print: str
    locale: str


_LABELS = {
    "en": _Labels(
        "By", "Published on", "More on this desk", "Filed under", "Read also:", "Comments",
        "Comments on this article are closed.", "Print version", "en_GB",
    ),
    "de": _Labels(
        "Von", "Veröffentlicht am", "Weitere Meldungen", "Themen", "Lesen Sie auch:", "Kommentare",
        "Die Kommentare sind geschlossen.", "Druckfassung", "de_DE",
    ),
    "fr": _Labels(
        "Par", "Publié le", "Autres articles", "Thèmes", "À lire aussi :", "Commentaires",
        "Les commentaires sont fermés.", "Version imprimable", "fr_FR",
    ),
}  # fmt: skip

# Articles whose text links to a page that no longer exists, as old articles do.
_STALE = {1: "/science/2019/02/vanished-glacier", 8: "/tags/unobtainium", 12: "/events/harbour-festival-2019"}


def article_page(edition: Edition, article: Article, base: str, *, copy: bool = False) -> str:
    """Return the page. A `copy` keeps to itself where the original is."""
    quirks = article.quirks
    extra = "" if quirks.plain else _meta(article, base, copy=copy)
    page = Head(
        title=article.headline,
        description=article.standfirst,
        canonical=None if copy else article.path,
        language=article.language,
        desk=article.desk.slug,
        extra=extra,
        charset=None if quirks.latin1 else "utf-8",
    )
    main = f"""<main class="columns">
<article>
{_header(article)}
{_body(edition, article)}
{_footer(edition, article)}
</article>
{_aside(edition, article)}
</main>
{_comments(article)}"""
    return document(page, main, base)


def print_page(edition: Edition, article: Article, base: str) -> str:
    """Return the print version: the same text, little around it, and the article as its canonical address."""
    page = Head(
        title=article.headline,
        description=article.standfirst,
        canonical=article.path,
        language=article.language,
        extra=_meta(article, base, copy=False),
        index=False,
    )
    return f"""<!DOCTYPE html>
<html lang="{article.language}">
{head(page, base)}
<body class="print">
<p class="name">{NAME}</p>
<article>
{_header(article)}
{_body(edition, article)}
</article>
<p>{link(article.path, base + article.path)}</p>
</body>
</html>
"""


def _meta(article: Article, base: str, *, copy: bool) -> str:
    """Return OpenGraph and JSON-LD, without what the article's quirks keep out of them."""
    quirks = article.quirks
    pairs = [
        ("og:type", "article"),
        ("og:site_name", NAME),
        ("og:title", article.headline),
        ("og:description", article.standfirst),
        ("og:image", base + picture_path(article)),
        ("og:locale", _LABELS[article.language].locale),
        ("article:section", article.desk.title),
    ]
    if not copy:
        pairs.append(("og:url", base + article.path))
    pairs += [("article:tag", tag) for tag in article.tags]
    data: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": article.headline,
        "description": article.standfirst,
        "inLanguage": article.language,
        "keywords": list(article.tags),
        "articleSection": article.desk.title,
        "image": [base + picture_path(article)],
        "publisher": {"@type": "Organization", "name": NAME},
    }
    if not copy:
        data["mainEntityOfPage"] = base + article.path
    names = ""
    if not quirks.author_in_text:
        data["author"] = [{"@type": "Person", "name": article.author.name, "url": base + article.author.path}]
        names = f'\n<meta name="author" content="{escape(article.author.name)}">'
    if not quirks.date_in_text:
        data["datePublished"] = data["dateModified"] = article.published.isoformat()
        pairs.append(("article:published_time", article.published.isoformat()))
    script = json.dumps(data, ensure_ascii=quirks.latin1).replace("<", "\\u003c")
    return f'{og(pairs)}{names}\n<script type="application/ld+json">{script}</script>'


def _header(article: Article) -> str:
    labels, quirks = _LABELS[article.language], article.quirks
    name = article.author.name
    author = escape(name) if quirks.author_in_text else link(article.author.path, name, 'rel="author"')
    when = f"{labels.published} {escape(article.day)}" if quirks.date_in_text else stamp(article)
    return f"""<header>
<p class="kicker">{link(section_path(article.desk), article.desk.title)}</p>
<h1>{escape(article.headline)}</h1>
<p class="standfirst">{escape(article.standfirst)}</p>
<p class="byline"><span class="author">{labels.by} {author}</span> <span class="date">{when}</span></p>
</header>"""


def _body(edition: Edition, article: Article) -> str:
    blocks = article.story().blocks
    parts = [_block(block, article) for block in blocks]
    links = [link(_STALE[article.number], "our report from back then")] if article.number in _STALE else []
    if article.number % 3 == 0:
        links += [link(other.path, other.headline) for other in edition.related(article, 1)]
    if links:
        also = f'<p class="read-also">{_LABELS[article.language].read_also} {" · ".join(links)}</p>'
        parts.insert(-1, also)
    return '<div class="text">\n' + "\n".join(parts) + "\n</div>"


def _block(block: Block, article: Article) -> str:
    match block:
        case Paragraph(text=text):
            return f"<p>{escape(text, quote=False)}</p>"
        case Heading(text=text):
            return f"<h2>{escape(text, quote=False)}</h2>"
        case Quotation(text=text, source=source):
            return f"<blockquote><p>{escape(text)}</p><footer>{escape(source)}</footer></blockquote>"
        case Listing(items=items, ordered=ordered):
            kind = "ol" if ordered else "ul"
            return f"<{kind}>" + "".join(f"<li>{escape(item)}</li>" for item in items) + f"</{kind}>"
        case Figure(caption=caption):
            source, text = picture_path(article), escape(caption)
            return (
                f'<figure><img src="{source}" alt="{text}" width="1200" height="675">'
                f"<figcaption>{text}</figcaption></figure>"
            )
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    columns = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return (
        f"<table><caption>{escape(table.caption)}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _footer(edition: Edition, article: Article) -> str:
    labels = _LABELS[article.language]
    tags = ", ".join(link(tag_path(tag), tag, 'rel="tag"') for tag in article.tags)
    tools = [
        link("mailto:editors@gazette.invalid?subject=Letter", "E-mail"),
        link("javascript:window.print()", "Share"),
        link("#comments", labels.comments),
    ]
    if article.quirks.print_version:
        tools.append(link("?print=1" if article.number % 20 else f"{article.path}?print=1", labels.print))
    second = edition.second_path(article)
    if second:
        tools.append(link(second, "Also in another section"))
    return f'<footer class="tools"><p>{labels.tags}: {tags}</p><p>{" · ".join(tools)}</p></footer>'


def _aside(edition: Edition, article: Article) -> str:
    labels = _LABELS[article.language]
    # An article lies four levels deep, and one of them writes its links from there.
    up = "../../.." if article.quirks.relative else ""
    related = bullets([link(up + other.path, other.headline) for other in edition.related(article)])
    umbrellas = link(ELSEWHERE, "Umbrellas by Elsewhere & Sons", 'rel="sponsored nofollow"')
    return f"""<aside>
<section class="related"><h3>{labels.related}</h3>{related}</section>
<section class="letter"><h3>The Morning Letter</h3><p>Five stories, one cup of tea. Sign up and never miss
what did not happen.</p><p>{link("/contact#letter", "Subscribe")}</p></section>
<section class="advert"><p>Advertisement</p><p>{umbrellas}</p></section>
</aside>"""


def _comments(article: Article) -> str:
    labels = _LABELS[article.language]
    return f'<section id="comments" class="comments"><h2>{labels.comments}</h2><p>{labels.closed}</p></section>'
