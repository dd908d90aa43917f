// A connector's page: tabs, copy buttons, the option filter. Without it all snippets and options are simply visible.
(() => {
  "use strict";
  const key = "patchbay-snippet";

  function recall() {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  }

  function remember(kind) {
    try {
      localStorage.setItem(key, kind);
    } catch {
      // The choice then lasts as long as the page.
    }
  }

  function element(name, attributes, text) {
    const node = document.createElement(name);
    for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
    if (text) node.textContent = text;
    return node;
  }

  // copy puts text on the clipboard; the second way is for pages where the first is not allowed.
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = element("textarea", { class: "off-screen", readonly: "", "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  const status = element("p", { class: "hidden-label", role: "status" });
  document.getElementById("main").append(status);

  function addCopyButton(place, code) {
    const button = element("button", { type: "button", class: "copy" }, "Copy");
    let timer = 0;
    button.addEventListener("click", async () => {
      const done = await copy(code().textContent.replace(/\n$/, ""));
      button.textContent = done ? "Copied" : "Select and copy by hand";
      button.classList.toggle("is-done", done);
      status.textContent = done ? "Copied to the clipboard" : "";
      clearTimeout(timer);
      timer = setTimeout(() => {
        button.textContent = "Copy";
        button.classList.remove("is-done");
      }, 1800);
    });
    place.append(button);
  }

  // byHash finds what an address's fragment names; a fragment may be anything.
  function byHash(hash) {
    try {
      return document.getElementById(decodeURIComponent(hash.slice(1)));
    } catch {
      return null;
    }
  }

  const pickers = [];

  function pick(kind, focus) {
    for (const p of pickers) p(kind, focus);
    remember(kind);
  }

  function makeTabs(box) {
    const panels = [...box.querySelectorAll(".snippet")];
    const bar = element("div", { class: "snippet-bar" });
    const tablist = element("div", { class: "tabs", role: "tablist", "aria-label": "Written as" });
    const tabs = panels.map((panel) => {
      const tab = element("button", {
        type: "button", role: "tab", id: `${panel.id}-tab`, "aria-controls": panel.id, "data-kind": panel.dataset.kind,
      }, panel.dataset.label);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => pick(panel.dataset.kind, tab));
      return tab;
    });
    tablist.append(...tabs);
    tablist.addEventListener("keydown", (event) => {
      const at = tabs.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      const tab = tabs[(to + tabs.length) % tabs.length];
      pick(tab.dataset.kind, tab);
    });
    bar.append(tablist);
    addCopyButton(bar, () => panels.find((p) => !p.hidden).querySelector("code"));
    box.prepend(bar);
    box.classList.add("is-tabbed");
    const show = (kind, focus) => {
      const known = panels.some((p) => p.dataset.kind === kind) ? kind : panels[0].dataset.kind;
      panels.forEach((panel, i) => {
        const on = panel.dataset.kind === known;
        panel.hidden = !on;
        tabs[i].setAttribute("aria-selected", String(on));
        tabs[i].tabIndex = on ? 0 : -1;
        if (tabs[i] === focus) focus.focus();
      });
    };
    pickers.push(show);
    show(recall());
  }

  for (const box of document.querySelectorAll(".snippets")) makeTabs(box);
  for (const pre of document.querySelectorAll(".prose pre, .fold pre")) {
    const frame = element("div", { class: "code-frame" });
    pre.replaceWith(frame);
    frame.append(pre);
    addCopyButton(frame, () => pre);
  }

  const filter = document.getElementById("find-option");
  const rows = [...document.querySelectorAll(".options tbody tr")];
  const groups = [...document.querySelectorAll("[data-group]")];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  function applyFilter() {
    const terms = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !terms.every((t) => texts.get(row).includes(t));
      if (!row.hidden) shown++;
    }
    for (const g of groups) g.hidden = !g.querySelector("tbody tr:not([hidden])");
    document.getElementById("no-options").hidden = shown > 0 || rows.length === 0;
    document.getElementById("found-options").textContent = terms.length ? `${shown} of ${rows.length} options` : "";
  }

  filter.addEventListener("input", applyFilter);
  // An anchor must never lead to a hidden row.
  addEventListener("hashchange", () => {
    const target = byHash(location.hash);
    if (target?.hidden) {
      filter.value = "";
      applyFilter();
      target.scrollIntoView();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === filter) {
      filter.value = "";
      applyFilter();
    } else if (event.key === "/" && !(event.target instanceof HTMLInputElement) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      filter.focus();
    }
  });

  // Marks the section that is being read.
  const entries = [...document.querySelectorAll(".contents a")];
  const targets = entries.map((a) => byHash(a.hash)).filter(Boolean);
  function markCurrent() {
    const passed = targets.filter((t) => t.getBoundingClientRect().top < 120);
    const current = passed.at(-1) ?? targets[0];
    for (const a of entries) {
      if (byHash(a.hash) === current) a.setAttribute("aria-current", "true");
      else a.removeAttribute("aria-current");
    }
  }
  let scheduled = false;
  addEventListener("scroll", () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      markCurrent();
    });
  }, { passive: true });
  markCurrent();
})();
