// Every page: one switch for all code, folds that open for a link into them and for the printer, and
// what keys and screen readers need where the theme leaves it out.
document.addEventListener("DOMContentLoaded", () => {
  // a name that differs from what is written there ("Search", then the keys)
  document.querySelector(".search-button-field")?.removeAttribute("aria-label");
  // the book's name above the contents belongs to the navigation
  const home = document.querySelector(".sidebar-primary-items__start > .sidebar-primary-item");
  home?.setAttribute("role", "navigation");
  home?.setAttribute("aria-label", "Book");

  const article = document.querySelector(".bd-article");
  if (!article) return;
  const code = [...article.querySelectorAll(".cell:not(.tag_hide-cell) details.hide")];
  const title = article.querySelector("h1");
  if (code.length > 2 && title) {
    const button = document.createElement("button");
    const name = (open) => {
      button.textContent = open ? "Hide all code" : "Show all code";
      button.setAttribute("aria-pressed", open);
    };
    button.type = "button";
    button.className = "all-code";
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-pressed") !== "true";
      for (const part of code) part.open = open;
      name(open);
    });
    name(false);
    (article.querySelector(".chapter-line") || title).after(button);
  }

  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let part = target; part; part = part.parentElement) if (part.localName === "details") part.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  const closed = new Set();
  addEventListener("beforeprint", () => {
    for (const part of article.querySelectorAll("details:not([open])")) {
      closed.add(part);
      part.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const part of closed) part.open = false;
    closed.clear();
  });
});

// What scrolls sideways can be reached by keys; formulas get their width when MathJax is done.
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  for (const part of document.querySelectorAll('.bd-article :is(pre, mjx-container[display="true"])'))
    if (part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1) part.tabIndex = 0;
});
