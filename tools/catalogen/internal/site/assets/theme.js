// Runs before the page is painted: marks that scripts work, and applies the remembered theme. Without a remembered theme
// the system decides. The button flips the theme, and forgets the choice when it equals the system's.
(() => {
  "use strict";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const key = "patchbay-theme";

  function recall() {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be forbidden
    }
  }

  function remember(theme) {
    try {
      if (theme) localStorage.setItem(key, theme);
      else localStorage.removeItem(key);
    } catch {
      // The choice then lasts as long as the page.
    }
  }

  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  }

  function apply(theme) {
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  root.classList.add("js");
  apply(recall());

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      const dark = !isDark();
      const theme = dark === system.matches ? null : dark ? "dark" : "light";
      apply(theme);
      remember(theme);
      show();
    });
    system.addEventListener("change", show);
    show();
  });
})();
