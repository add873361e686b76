"""What machines read: RSS, site maps, robots.txt. All addresses are absolute, as their formats ask."""

import gzip
from collections.abc import Sequence
from email.utils import format_datetime
from xml.sax.saxutils import escape

from quaero_cli.demosite.edition import MOTTO, NAME, PRIVATE, SEARCH
from quaero_cli.demosite.newsroom import Article

ITEMS = 30  # articles in the feed
NEWS = 50  # articles in the news site map

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_GOOGLE_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"


def rss(articles: Sequence[Article], base: str) -> bytes:
    """Return the feed of the newest articles (RSS 2.0)."""
    items = "".join(_item(article, base) for article in articles[:ITEMS])
    return (
        f'{_XML}<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:atom="http://www.w3.org/2005/Atom"><channel>\n<title>{NAME}</title><link>{base}/</link>'
        f"<description>{MOTTO}</description><language>en</language>\n"
        f'<atom:link href="{base}/rss.xml" rel="self" type="application/rss+xml"/>\n{items}</channel></rss>\n'
    ).encode()


def _item(article: Article, base: str) -> str:
    categories = "".join(f"<category>{escape(tag)}</category>" for tag in article.tags)
    return (
        f"<item><title>{escape(article.headline)}</title><link>{base}{article.path}</link>"
        f'<guid isPermaLink="true">{base}{article.path}</guid><dc:creator>{escape(article.author.name)}</dc:creator>'
        f"<pubDate>{format_datetime(article.published)}</pubDate>{categories}"
        f"<description>{escape(article.standfirst)}</description></item>\n"
    )


def sitemap_index(newest: str, base: str) -> bytes:
    """Return the index of the site maps; `newest` is the date of the newest article."""
    maps = "".join(
        f"<sitemap><loc>{base}{path}</loc><lastmod>{newest}</lastmod></sitemap>\n"
        for path in ("/sitemap-articles.xml", "/sitemap-news.xml.gz")
    )
    return f'{_XML}<sitemapindex xmlns="{_SITEMAP}">\n{maps}</sitemapindex>\n'.encode()


def sitemap_articles(articles: Sequence[Article], base: str) -> bytes:
    """Return the site map of all articles."""
    urls = "".join(
        f"<url><loc>{base}{article.path}</loc><lastmod>{article.published.isoformat()}</lastmod></url>\n"
        for article in articles
    )
    return f'{_XML}<urlset xmlns="{_SITEMAP}">\n{urls}</urlset>\n'.encode()


def sitemap_news(articles: Sequence[Article], base: str) -> bytes:
    """Return the news site map of the newest articles, as a gzip file."""
    urls = "".join(
        f"<url><loc>{base}{article.path}</loc><news:news><news:publication><news:name>{NAME}</news:name>"
        f"<news:language>{article.language}</news:language></news:publication>"
        f"<news:publication_date>{article.published.isoformat()}</news:publication_date>"
        f"<news:title>{escape(article.headline)}</news:title></news:news></url>\n"
        for article in articles[:NEWS]
    )
    text = f'{_XML}<urlset xmlns="{_SITEMAP}" xmlns:news="{_GOOGLE_NEWS}">\n{urls}</urlset>\n'
    return gzip.compress(text.encode(), mtime=0)


def robots(base: str) -> bytes:
    """Return robots.txt: everything may be read but the private pages and the search."""
    rules = f"User-agent: *\nDisallow: {PRIVATE[0]}\nDisallow: {SEARCH}\n\nSitemap: {base}/sitemap.xml\n"
    return rules.encode()
