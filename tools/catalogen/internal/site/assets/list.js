// The list page: search, filters, keyboard. Everything searched stands in the page itself, so that it works from disk.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const search = byId("search");
  const list = byId("cards");
  const boxes = [...document.querySelectorAll("[data-facet] input")];
  const facets = [...document.querySelectorAll("[data-facet]")].map((f) => f.dataset.facet);
  const fold = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  const words = (text) => fold(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);

  const cards = [...list.querySelectorAll(".card[data-name]")].map((node, order) => ({
    node,
    order,
    link: node.querySelector("h3 a"),
    text: node.querySelector(".card-text"),
    hint: node.querySelector(".card-hint"),
    name: node.dataset.name,
    description: node.querySelector(".card-text").textContent,
    descriptionWords: words(node.querySelector(".card-text").textContent),
    aliases: words(node.dataset.aliases),
    options: node.dataset.options.split(" ").filter(Boolean),
    shared: node.dataset.shared.split(" ").filter(Boolean),
    facets: Object.fromEntries(facets.map((f) => [f, node.dataset[f]])),
  }));

  // score says how well a card answers one term, and which option answers it if nothing else does. Zero is not at all.
  function score(card, term) {
    const parts = card.name.split("-");
    if (card.name === term) return { points: 120 };
    if (parts.includes(term)) return { points: 100 };
    if (parts.some((p) => p.startsWith(term)) || card.name.startsWith(term)) return { points: 80 };
    if (card.aliases.some((a) => a.startsWith(term))) return { points: 60 };
    if (card.name.includes(term)) return { points: 50 };
    if (Object.values(card.facets).some((f) => fold(f).startsWith(term))) return { points: 40 };
    if (card.descriptionWords.some((w) => w.startsWith(term))) return { points: 30 };
    const flag = term.replace(/^--/, "");
    const names = (option) => option === flag || option.startsWith(flag) || option.split("-").some((w) => w.startsWith(flag));
    if (flag) {
      const own = card.options.find((o) => o === flag) ?? card.options.find(names);
      if (own) return { points: 20, option: own };
      const shared = card.shared.find((o) => o === flag) ?? card.shared.find(names);
      if (shared) return { points: 5, option: shared };
    }
    return { points: 0 };
  }

  function rate(card, terms) {
    let points = 0;
    let option = null;
    for (const term of terms) {
      const s = score(card, term);
      if (s.points === 0) return null;
      points += s.points;
      option ??= s.option ?? null;
    }
    if (card.facets.stability === "deprecated") points -= 1000; // last, but found
    return { card, points, option };
  }

  function chosen() {
    return Object.fromEntries(facets.map((f) => [f, boxes.filter((b) => b.name === f && b.checked).map((b) => b.value)]));
  }

  function passes(card, selected, except) {
    return facets.every((f) => f === except || selected[f].length === 0 || selected[f].includes(card.facets[f]));
  }

  // mark shows text with the terms marked where words begin with them.
  function mark(node, text, terms) {
    const useful = terms.filter((t) => t.length > 1).map((t) => t.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    if (useful.length === 0) {
      node.textContent = text;
      return;
    }
    const pieces = text.split(new RegExp(`(?<![\\p{L}\\p{N}])(${useful.join("|")})`, "giu"));
    node.replaceChildren(
      ...pieces.map((piece, i) => {
        if (i % 2 === 0) return piece;
        const m = document.createElement("mark");
        m.textContent = piece;
        return m;
      }),
    );
  }

  // distance counts the edits between two words, a swap of neighbours being one.
  function distance(a, b) {
    const rows = Array.from({ length: a.length + 1 }, (_, i) => [i]);
    for (let j = 0; j <= b.length; j++) rows[0][j] = j;
    for (let i = 1; i <= a.length; i++) {
      for (let j = 1; j <= b.length; j++) {
        const cost = a[i - 1] === b[j - 1] ? 0 : 1;
        rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost);
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
          rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
        }
      }
    }
    return rows[a.length][b.length];
  }

  // suggest finds the known word nearest to a query that found nothing.
  function suggest(query) {
    let best = null;
    for (const card of cards) {
      for (const word of [card.name, ...card.name.split("-"), ...card.aliases]) {
        const d = distance(query, word);
        if (d > 0 && d <= Math.max(1, Math.floor(query.length / 3)) && (!best || d < best.d)) best = { word, d };
      }
    }
    return best?.word ?? null;
  }

  const plural = (n) => `${n} ${n === 1 ? "connector" : "connectors"}`;

  function render() {
    const query = search.value.trim();
    const terms = fold(query).split(/\s+/).filter(Boolean);
    const selected = chosen();
    const active = Object.values(selected).flat().length;
    const rated = cards.map((c) => rate(c, terms)).filter(Boolean);
    const visible = rated
      .filter((r) => passes(r.card, selected))
      .sort((a, b) => b.points - a.points || a.card.order - b.card.order);

    const shown = new Set(visible.map((r) => r.card));
    for (const card of cards) card.node.hidden = !shown.has(card);
    for (const { card, option } of visible) {
      list.append(card.node); // the order on screen is the order of the keyboard
      mark(card.link, card.name, terms);
      mark(card.text, card.description, terms);
      card.hint.hidden = !option;
      if (option) {
        const link = card.hint.querySelector("a");
        link.textContent = `--${option}`;
        link.setAttribute("href", `${card.link.getAttribute("href")}#option-${option}`);
      }
    }
    for (const box of boxes) {
      const n = rated.filter((r) => r.card.facets[box.name] === box.value && passes(r.card, selected, box.name)).length;
      const label = box.closest("label");
      label.querySelector(".tally").textContent = String(n);
      label.classList.toggle("is-zero", n === 0 && !box.checked);
    }
    const narrowed = terms.length > 0 || active > 0;
    byId("count").textContent = narrowed ? `${visible.length} of ${plural(cards.length)}` : plural(cards.length);
    byId("clear").hidden = !narrowed;
    byId("active-count").hidden = active === 0;
    byId("active-count").textContent = String(active);
    renderEmpty(visible.length === 0 && narrowed, query, terms, active);
    return visible;
  }

  function renderEmpty(empty, query, terms, active) {
    byId("empty").hidden = !empty;
    list.hidden = empty;
    const button = byId("suggestion");
    button.hidden = true;
    if (!empty) return;
    const outside = cards.map((c) => rate(c, terms)).filter(Boolean).length;
    if (active > 0 && outside > 0) {
      byId("empty-text").textContent = query
        ? `“${query}” is in ${plural(outside)}, but not with these filters.`
        : "No connector passes all of these filters.";
      return;
    }
    byId("empty-text").textContent = `No name, description, protocol or option matches “${query}”.`;
    const word = terms.length === 1 ? suggest(terms[0]) : null;
    if (word) {
      button.hidden = false;
      button.textContent = `Search for ${word}`;
      button.dataset.word = word;
    }
  }

  // The state stands in the fragment: a query string could not be changed on a page read from disk.
  function save() {
    const state = new URLSearchParams();
    if (search.value.trim()) state.set("q", search.value.trim());
    for (const [facet, values] of Object.entries(chosen())) for (const v of values) state.append(facet, v);
    const text = state.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }

  function restore() {
    const state = new URLSearchParams(location.hash.slice(1));
    search.value = state.get("q") ?? "";
    for (const box of boxes) box.checked = state.getAll(box.name).includes(box.value);
    render();
  }

  function update() {
    render();
    save();
  }

  function clear() {
    search.value = "";
    for (const box of boxes) box.checked = false;
    update();
    search.focus();
  }

  const links = () => [...list.querySelectorAll(".card:not([hidden]) h3 a")];

  // columns counts the cards that stand in the first row.
  function columns(all) {
    const top = all[0].closest(".card").offsetTop;
    const n = all.findIndex((a) => a.closest(".card").offsetTop !== top);
    return n < 0 ? all.length : n;
  }

  function move(event) {
    const all = links();
    if (all.length === 0) return;
    const at = all.indexOf(document.activeElement);
    const inSearch = document.activeElement === search;
    if (at < 0 && !inSearch) return;
    let to;
    switch (event.key) {
      case "ArrowDown":
        to = inSearch ? 0 : at + columns(all);
        if (to >= all.length) to = at < 0 ? 0 : all.length - 1;
        break;
      case "ArrowUp":
        if (inSearch) return;
        to = at - columns(all);
        break;
      case "ArrowRight":
      case "ArrowLeft":
        if (inSearch) return; // they move in the text
        to = at + (event.key === "ArrowRight" ? 1 : -1);
        if (to >= all.length) return;
        break;
      case "Home":
      case "End":
        if (inSearch) return;
        to = event.key === "Home" ? 0 : all.length - 1;
        break;
      default:
        return;
    }
    event.preventDefault();
    if (to < 0) search.focus();
    else all[to].focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const typing = target instanceof HTMLInputElement && target.type !== "checkbox";
    if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape") {
      event.preventDefault();
      clear();
    } else if (event.key === "Enter" && target === search) {
      links()[0]?.click();
    } else {
      move(event);
    }
  });

  search.addEventListener("input", update);
  for (const box of boxes) box.addEventListener("change", update);
  byId("clear").addEventListener("click", clear);
  byId("reset").addEventListener("click", clear);
  byId("suggestion").addEventListener("click", (event) => {
    search.value = event.currentTarget.dataset.word;
    update();
    search.focus();
  });
  addEventListener("hashchange", restore);
  if (matchMedia("(max-width: 52rem)").matches) byId("facets").open = false;
  restore();
})();
