"use strict";
(() => {
  const one = (query, root = document) => root.querySelector(query);
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const made = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };
  for (const controls of all(".controls")) controls.hidden = false;

  // --- the table of actors: sorting, filtering

  const table = one("#table");
  const body = one("tbody", table);
  const value = (cell) => parseFloat(cell.textContent.replace("−", "-").replace(/,/g, ""));
  const compare = (kind, column, sign) => (a, b) => {
    const left = a.children[column], right = b.children[column];
    if (kind === "text") return sign * left.textContent.localeCompare(right.textContent);
    const x = value(left), y = value(right);
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return sign * (x - y);
  };
  for (const head of all("th[data-sort]", table)) {
    one("button", head).addEventListener("click", () => {
      const first = head.dataset.sort === "text" ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      for (const each of all("th[aria-sort]", table)) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const column = [...head.parentNode.children].indexOf(head);
      body.append(...[...body.children].sort(compare(head.dataset.sort, column, order === "ascending" ? 1 : -1)));
      filter();
    });
  }
  const find = one("#find"), least = one("#least"), more = one("#more");
  const FEW = 40;
  let whole = body.children.length <= FEW + 10;
  const filter = () => {
    const wanted = find.value.trim().toLowerCase(), few = Number(least.value) || 0;
    let fit = 0;
    for (const row of body.children) {
      const count = value(row.children[3]) + value(row.children[6]);
      const fits = row.children[0].textContent.toLowerCase().includes(wanted) && count >= few;
      fit += fits;
      row.hidden = !fits || (!whole && fit > FEW);
    }
    more.hidden = whole || fit <= FEW;
    one("#shown").textContent = `${whole ? fit : Math.min(fit, FEW)} of ${body.children.length} shown`;
  };
  more.addEventListener("click", () => { whole = true; filter(); });
  find.addEventListener("input", filter);
  least.addEventListener("input", filter);
  filter();

  // --- finding articles

  const search = one("#find-article");
  if (search) {
    const articles = all("#texts > details");
    const texts = articles.map((each) => each.textContent.toLowerCase());
    const look = () => {
      const wanted = search.value.trim().toLowerCase();
      articles.forEach((each, index) => { each.hidden = !texts[index].includes(wanted); });
      one("#found").textContent = `${articles.filter((each) => !each.hidden).length} of ${articles.length} shown`;
    };
    search.addEventListener("input", look);
    look();
  }

  // --- the card: what a marked word or a cell says, by pointer, tap and keyboard

  const card = one("#card");
  const data = one("#data") ? JSON.parse(one("#data").textContent) : { names: [], reasons: [], marks: [] };
  const words = all("#texts u");
  const LABELS = ["against", "neutral", "favor"], SAID = ["against", "neutral", "in favor"];
  const saying = new Map(words.map((word, index) => [word, data.marks[index]]));
  let open = null, held = false;

  const listed = (stances) => {
    const list = made("ul");
    for (let at = 0; at < stances.length; at += 5) {
      const [source, target, packed, why] = stances.slice(at, at + 4);
      const label = Math.floor(packed / 101), chance = packed % 101;
      const item = made("li");
      item.append(made("bdi", data.names[source]), " → ", made("bdi", data.names[target]), ": ");
      item.append(made("b", SAID[label], LABELS[label]), `, ${chance} %`);
      item.append(made("span", data.reasons[why], "why"));
      list.append(item);
    }
    return list;
  };
  const place = (element) => {
    const at = element.getClientRects()[0] || element.getBoundingClientRect();
    const size = card.getBoundingClientRect();
    const below = at.bottom + 8, above = at.top - size.height - 8;
    const top = below + size.height < innerHeight || above < 0 ? below : above;
    card.style.top = `${Math.max(4, Math.min(top, innerHeight - size.height - 4))}px`;
    card.style.left = `${Math.max(4, Math.min(at.left - 12, document.documentElement.clientWidth - size.width - 4))}px`;
  };
  const hide = () => {
    if (!open) return;
    open.removeAttribute("aria-describedby");
    for (const each of all("u.on, u.from")) each.classList.remove("on", "from");
    card.hidden = true;
    open = null;
    held = false;
  };
  const show = (element) => {
    if (open === element) return;
    hide();
    const stances = saying.get(element);
    card.replaceChildren(stances ? listed(stances) : made("p", element.dataset.tip));
    card.hidden = false;
    open = element;
    element.setAttribute("aria-describedby", "card");
    if (stances) {
      element.classList.add("on");
      const own = words.indexOf(element);
      for (let at = 4; at < stances.length; at += 5) if (stances[at]) words[own + stances[at]].classList.add("from");
    }
    place(element);
  };
  const speaks = (node) => {
    const found = node instanceof Element ? node.closest("#texts u, [data-tip]") : null;
    return found && (found.dataset.tip || (saying.get(found) || []).length) ? found : null;
  };
  for (const word of words) {
    if (!(saying.get(word) || []).length) continue;
    word.tabIndex = 0;
    word.setAttribute("role", "button");
  }
  for (const cell of all("[data-tip]")) cell.tabIndex = 0;
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse" || held) return;
    const found = speaks(event.target);
    if (found) show(found); else if (!card.contains(event.target)) hide();
  });
  document.addEventListener("click", (event) => {
    const found = speaks(event.target);
    if (found) {
      const again = open === found && held;
      show(found);
      held = !again;
      if (again) hide();
    } else if (!card.contains(event.target)) hide();
  });
  document.addEventListener("focusin", (event) => {
    const found = speaks(event.target);
    if (found) show(found); else hide();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("resize", hide);
  addEventListener("scroll", () => { if (open) place(open); }, { passive: true });

  // --- the network: a name's arrows alone

  const net = one(".net");
  if (net) {
    const parts = all("[data-is]", net);
    const lit = (number) => {
      net.classList.toggle("on", number !== null);
      const near = new Set([number]);
      for (const part of parts) {
        const [kind, source, target] = part.dataset.is.split("-");
        const mine = kind === "arrow" && (source === number || target === number);
        if (mine) near.add(source).add(target);
        part.classList.toggle("lit", mine);
      }
      for (const part of parts) {
        const [kind, index] = part.dataset.is.split("-");
        if (kind !== "arrow") part.classList.toggle("lit", near.has(index));
      }
    };
    const named = (event) => {
      const found = event.target instanceof Element ? event.target.closest("[data-is^=name], [data-is^=dot]") : null;
      lit(found ? found.dataset.is.split("-")[1] : null);
    };
    net.addEventListener("pointerover", named);
    net.addEventListener("click", named);
    net.addEventListener("pointerleave", () => lit(null));
    for (const part of parts.filter((each) => each.dataset.is.startsWith("name"))) {
      part.setAttribute("tabindex", "0");
      part.addEventListener("focus", named);
      part.addEventListener("blur", () => lit(null));
    }
  }
})();
