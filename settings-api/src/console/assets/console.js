// Refreshes the parts of a page that are marked as live. Without it, a reload does the same.
"use strict";
(() => {
  const INTERVAL = 2000;
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const refresh = async () => {
    if (!document.hidden) {
      const response = await fetch(location.href, { headers: { "X-Console-Poll": "1" } });
      if (response.redirected) return location.reload();
      if (response.ok) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        const next = page.querySelector("[data-live]");
        const isInUse = live.contains(document.activeElement) || !getSelection().isCollapsed;
        if (next && !isInUse && next.innerHTML !== live.innerHTML) {
          live.replaceChildren(...next.childNodes);
        }
      }
    }
  };
  const loop = () => refresh().catch(() => {}).finally(() => setTimeout(loop, INTERVAL));
  setTimeout(loop, INTERVAL);
})();
