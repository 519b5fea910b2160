"use strict";
// Shows the shape that is pointed at, tapped or reached by arrow keys. All texts are set as text, never as markup.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const data = JSON.parse(document.getElementById("shape-data").textContent);
  const REACH = 28; // CSS pixels around a point that count as pointing at it

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

  // A map of a figure: what lies at a point, what is next in a direction, and where and what a target is.
  const clamp = (value, last) => Math.max(0, Math.min(last, value));
  const curves = (figure, places) => ({
    first: () => [0, 0],
    at: (x, y, reach) => {
      let best = null;
      let nearest = reach;
      places.forEach((line, i) => {
        for (let j = 0; j < line.length / 2; j++) {
          const distance = Math.hypot(line[2 * j] - x, line[2 * j + 1] - y);
          if (distance < nearest) [best, nearest] = [[i, j], distance];
        }
      });
      return best;
    },
    next: ([i, j], across, down) => {
      const line = clamp(i + down, places.length - 1);
      return [line, clamp(down ? j : j + across, places[line].length / 2 - 1)];
    },
    place: ([i, j]) => [places[i][2 * j], places[i][2 * j + 1], 0, 0],
    shape: ([i, j]) => figure.shapes[i][j],
    cell: () => null,
  });
  const grid = (figure, [left, top, right, bottom]) => {
    const width = (right - left) / figure.columns.length;
    const height = (bottom - top) / figure.shapes.length;
    return {
      first: () => [0, 0],
      at: (x, y) => {
        const target = [Math.floor((y - top) / height), Math.floor((x - left) / width)];
        return target[0] in figure.shapes && target[1] in figure.columns ? target : null;
      },
      next: ([row, column], across, down) =>
        [clamp(row + down, figure.shapes.length - 1), clamp(column + across, figure.columns.length - 1)],
      place: ([row, column]) => [left + column * width, top + row * height, width, height],
      shape: ([row]) => figure.shapes[row],
      cell: ([row, column]) => ({ column: figure.columns[column], text: figure.cells[row][column] }),
    };
  };

  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const enliven = (host, map, title) => {
    const svg = host.querySelector("svg");
    const card = html("div", host, "", "card");
    card.hidden = true;
    card.setAttribute("aria-live", "polite");
    host.classList.add("live");
    host.tabIndex = 0;
    host.setAttribute("role", "application");
    host.setAttribute("aria-label", `${title}. Arrow keys move between shapes, Escape closes.`);
    let target = null;
    let mark = null;

    const hide = () => {
      card.hidden = true;
      target = null;
      if (mark) mark.remove();
      mark = null;
    };
    const show = (wanted) => {
      if (target && String(wanted) === String(target)) return;
      hide();
      target = wanted;
      fill(card, map.shape(target), map.cell(target));
      card.hidden = false;
      const [x, y, width, height] = map.place(target);
      const stroke = { class: "mark", fill: "none", stroke: "var(--ink)", "stroke-width": 1.6 };
      mark = width ? drawn("rect", svg, { x, y, width, height, ...stroke })
                   : drawn("circle", svg, { cx: x, cy: y, r: 5, ...stroke });
      const box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      const middle = (x + width / 2) * scale;
      card.style.left = `${Math.max(0, Math.min(box.width - card.offsetWidth, middle - card.offsetWidth / 2))}px`;
      const above = y * scale - card.offsetHeight - 12;
      card.style.top = `${box.top + above > 4 ? above : (y + height) * scale + 12}px`;
    };
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / box.width;
      return map.at((event.clientX - box.left) * scale, (event.clientY - box.top) * scale, REACH * scale);
    };
    const follow = (event) => {
      if (card.contains(event.target)) return;
      const found = point(event);
      if (found) show(found); else hide();
    };
    host.addEventListener("pointermove", follow);
    host.addEventListener("pointerdown", follow);
    host.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    host.addEventListener("focus", () => { if (!target && host.matches(":focus-visible")) show(map.first()); });
    host.addEventListener("blur", hide);
    document.addEventListener("pointerdown", (event) => { if (!host.contains(event.target)) hide(); });
    host.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      if (!(event.key in KEYS)) return;
      event.preventDefault();
      show(target ? map.next(target, ...KEYS[event.key]) : map.first());
    });
  };

  for (const [name, figure] of Object.entries(data.figures)) {
    const element = document.getElementById(`figure-${name}`);
    element.querySelector(".hint").hidden = false;
    for (const variant of ["wide", "narrow"]) {
      const map = figure.columns ? grid(figure, figure[variant]) : curves(figure, figure[variant]);
      enliven(element.querySelector(`.${variant}`), map, element.querySelector("h3").textContent);
    }
  }
})();
