"use strict";
// Shows the shape that is pointed at, tapped or reached by arrow keys. All texts are set as text, never as markup.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const data = JSON.parse(document.getElementById("shape-data").textContent);

  const html = (tag, parent, text = "", name = "") => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (name) element.className = name;
    return parent.appendChild(element);
  };
  const drawn = (tag, parent, attributes) => {
    const element = document.createElementNS(NS, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
  };

  const drawing = (parent, packed, colour) => {
    const svg = drawn("svg", parent, { viewBox: "-2 -3 164 56", "aria-hidden": "true", class: "curve" });
    drawn("path", svg, { d: "M0 50H160M0 0H160", stroke: "var(--line)", fill: "none" });
    const levels = Array.from(atob(packed), (character) => character.charCodeAt(0));
    const points = levels.map((v, i) => `${(160 * i) / (levels.length - 1)},${(50 - (50 * v) / 255).toFixed(1)}`);
    drawn("polyline", svg, { points: points.join(" "), stroke: `var(--${colour})`, "stroke-width": 2.5, fill: "none" });
  };

  const fill = (card, index, cell) => {
    const [name, colour, keys, values, rate, score, packed] = data.shapes[index];
    card.replaceChildren();
    html("b", card, name);
    if (packed) drawing(card, packed, colour);
    const list = html("dl", card);
    const line = (term, text) => { html("dt", list, term); html("dd", list, text); };
    if (cell) line(cell.column, cell.text || "not tried");
    line(`${cell ? "best" : data.metric}${rate && `, at LR ${rate}`}`, score);
    data.keys[keys].forEach((key, i) => line(key, values[i]));
  };

  const clamp = (value, last) => Math.max(0, Math.min(last, value));
  const centre = (box) => [box.left + box.width / 2, box.top + box.height / 2];
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  // grid: columns and texts of the cells of a figure whose shapes are rows.
  const enliven = (host, grid, title) => {
    const svg = host.querySelector("svg");
    const shapes = Array.from(svg.querySelectorAll("[data-shape]"));
    const card = html("div", host, "", "card");
    card.hidden = true;
    card.setAttribute("aria-live", "polite");
    host.classList.add("live");
    host.tabIndex = 0;
    host.setAttribute("role", "application");
    host.setAttribute("aria-label", `${title}. Arrow keys move between shapes, Escape closes.`);
    let target = null; // an element of shapes
    let column = 0; // of the grid
    let mark = null;

    const hide = () => {
      card.hidden = true;
      target = null;
      if (mark) mark.remove();
      mark = null;
    };
    const highlighted = () => {
      if (!grid) return svg.appendChild(target.cloneNode());
      const { x, y, width, height } = target.getBBox();
      const cell = width / grid.columns.length;
      return drawn("rect", svg, { x: x + column * cell, y, width: cell, height });
    };
    // The card stands above (x, y) in the window, or below where there is no room.
    const show = (wanted, wantedColumn, x, y) => {
      if (wanted !== target || wantedColumn !== column) {
        hide();
        [target, column] = [wanted, wantedColumn];
        const index = target.dataset.shape;
        fill(card, index, grid && { column: grid.columns[column], text: grid.cells[index][column] });
        card.hidden = false;
        mark = highlighted();
        mark.classList.add("mark");
        mark.removeAttribute("data-shape");
      }
      if (x === undefined) [x, y] = centre(mark.getBoundingClientRect());
      const box = host.getBoundingClientRect();
      card.style.left = `${clamp(x - box.left - card.offsetWidth / 2, box.width - card.offsetWidth)}px`;
      const above = y - card.offsetHeight - 16;
      card.style.top = `${(above > 4 ? above : y + 16) - box.top}px`;
    };

    const at = (x, y) => {
      const hit = document.elementsFromPoint(x, y).filter((element) => shapes.includes(element));
      const away = (element) => Math.hypot(...centre(element.getBoundingClientRect()).map((v, i) => v - [x, y][i]));
      const marks = hit.filter((element) => element.tagName === "use"); // they may overlap: the nearest one
      return marks.length ? marks.reduce((a, b) => (away(b) < away(a) ? b : a)) : hit[0];
    };
    const follow = (event) => {
      const found = at(event.clientX, event.clientY);
      if (!found) return hide();
      const box = found.getBoundingClientRect();
      const count = grid ? grid.columns.length : 1;
      const place = Math.floor((count * (event.clientX - box.left)) / box.width);
      show(found, grid ? clamp(place, count - 1) : 0, event.clientX, event.clientY);
    };

    // Right and left: the next shape of a series or cell of a row; down and up: the next line, series or row.
    const move = (across, down) => {
      if (!target) return show(shapes[0], 0);
      const place = shapes.indexOf(target);
      if (grid) return show(shapes[clamp(place + down, shapes.length - 1)], clamp(column + across, grid.columns.length - 1));
      if (across) return show(shapes[clamp(place + across, shapes.length - 1)], 0);
      const beyond = down > 0 ? shapes.slice(place) : shapes.slice(0, place).reverse();
      show(beyond.find((shape) => shape.parentNode !== target.parentNode) || target, 0);
    };
    host.addEventListener("pointermove", follow);
    host.addEventListener("pointerdown", follow);
    host.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    host.addEventListener("focus", () => { if (!target && host.matches(":focus-visible")) move(0, 0); });
    host.addEventListener("blur", hide);
    document.addEventListener("pointerdown", (event) => { if (!host.contains(event.target)) hide(); });
    host.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      if (!(event.key in KEYS)) return;
      event.preventDefault();
      move(...KEYS[event.key]);
    });
  };

  for (const [name, figure] of Object.entries(data.figures)) {
    const element = document.getElementById(`figure-${name}`);
    element.querySelector(".hint").hidden = false;
    enliven(element.querySelector(".drawing"), figure.columns && figure, element.querySelector("h3").textContent);
  }
})();
