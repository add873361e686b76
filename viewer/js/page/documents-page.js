/** What crawlers collected: the list, the search, an article. */

import { replaceRoute } from "./address.js";
import { formatAgo, formatCount, formatTimestamp } from "../lib/format.js";
import { throttled } from "../lib/throttle.js";
import { renderMarkdown } from "../view/markdown.js";
import { callApi, environment } from "../view/server.js";

const PAGE = 50;
const TYPING_MS = 250;

/** Alpine data of the list. */
export function documentList({ params }) {
  const parts = {};
  return {
    rows: [],
    text: params.q ?? "",
    job: params.job ?? "",
    loaded: false,
    more: false,
    words: "",
    failure: "",

    init() {
      parts.search = throttled(() => this.load(), TYPING_MS, environment.clock);
      this.load();
    },

    destroy() {
      parts.search.cancel();
    },

    search() {
      replaceRoute({ params: { q: this.text.trim(), job: this.job } });
      parts.search();
    },

    anyJob() {
      this.job = "";
      this.search();
    },

    async load(offset = 0) {
      const query = new URLSearchParams({ limit: PAGE, offset });
      if (this.text.trim()) query.set("q", this.text.trim());
      if (this.job) query.set("job_id", this.job);
      const asked = (parts.asked = query.toString());
      try {
        const { documents, total, has_more: more } = await callApi(`documents?${asked}`);
        if (parts.asked !== asked) return;
        const rows = documents.map((each) => rowView(each, this.text));
        this.rows = offset > 0 ? [...this.rows, ...rows] : rows;
        this.more = more;
        this.words = `${formatCount(total)} ${total === 1 ? "document" : "documents"}`;
        this.loaded = true;
        this.failure = "";
      } catch (error) {
        if (error.status === 401) this.$dispatch("quaero-unauthorized");
        this.failure = error.message;
      }
    },

    loadMore() {
      this.load(this.rows.length);
    },
  };
}

/** Alpine data of one article. Markup: an element with `x-ref="text"`. */
export function documentPage({ id }) {
  return {
    title: "",
    url: "",
    facts: [],
    missing: false,
    failure: "",
    jobHref: "",

    async init() {
      try {
        const found = await callApi(`documents/${encodeURIComponent(id)}`);
        this.title = found.title || found.url;
        this.url = /^https?:/.test(found.url) ? found.url : "";
        this.facts = factsOf(found);
        this.jobHref = `#/job/${encodeURIComponent(found.job_id)}`;
        renderMarkdown(this.$refs.text, found.text);
      } catch (error) {
        if (error.status === 401) this.$dispatch("quaero-unauthorized");
        this.missing = error.status === 404;
        this.failure = this.missing ? "" : error.message;
      }
    },
  };
}

/** Markdown's marks, which say nothing in a line of text; a link is its words. */
const MARKS = /(?<!\S)#+\s|\x60|!?\[([^\]]*)\]\([^)]*\)?/g;

/** The server puts `**` around words that were looked for; the text has some of its own. */
function snippetParts(snippet, wanted) {
  const words = wanted.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return snippet.split("**").map((text, key) => {
    const hit = key % 2 === 1 && words.some((word) => text.toLowerCase().includes(word));
    return { key, hit, text: text.replace(MARKS, "$1") };
  });
}

function rowView({ id, title, url, site, published, fetched_at: at, authors, snippet, version }, wanted) {
  return {
    id,
    title: title || url,
    href: `#/document/${id}`,
    url,
    about: [site, authors?.join(", "), published?.slice(0, 10)].filter(Boolean).join(" · "),
    ago: formatAgo(at, Date.now()),
    fetched: formatTimestamp(at, true),
    snippet: snippetParts(snippet ?? "", wanted),
    versions: version > 1 ? `${version} versions` : "",
  };
}

/** A day stays a day; a moment is told to the minute. */
function momentWords(text) {
  return text?.includes("T") ? formatTimestamp(text, true).replace(/:[^:]*$/, "") : text;
}

function factsOf({ authors, published, site, language, tags, fetched_at: at, version }) {
  const rows = {
    Authors: authors?.join(", "), Published: momentWords(published), Site: site, Language: language,
    Tags: tags?.join(", "), Fetched: momentWords(at), Version: version > 1 ? String(version) : "",
  };
  return Object.entries(rows).filter(([, value]) => value).map(([name, value]) => ({ name, value }));
}
