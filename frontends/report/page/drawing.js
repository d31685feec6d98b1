// The graph as boxes and arrows, layer by layer, reachable by keyboard; and the panel beside it.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function svg(name, attributes = {}, text = null) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

const boxWidth = 230, boxHeight = 30, gapX = 24, gapY = 34, margin = 14;

const className = (text) => text.split(" ")[0];
const shortened = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);

/// Puts each box under the mean of those that feed it (one sweep of Sugiyama, Tagawa and Toda 1981).
function placeBoxes({ boxes, arrows }) {
  const layers = [];
  boxes.forEach((box, i) => (layers[box.layer] ??= []).push(i));
  const feeding = boxes.map(() => []);
  for (const [from, to] of arrows) feeding[to].push(from);
  const order = new Map();
  for (const layer of layers) {
    const mean = (i) => feeding[i].reduce((sum, k) => sum + order.get(k), 0) / (feeding[i].length || 1);
    const wanted = new Map(layer.map((i) => [i, mean(i)]));
    layer.sort((a, b) => wanted.get(a) - wanted.get(b) || a - b);
    layer.forEach((i, k) => order.set(i, k - (layer.length - 1) / 2));
  }
  const widest = Math.max(...layers.map((layer) => layer.length));
  const width = widest * (boxWidth + gapX) + 2 * margin;
  return {
    width, height: layers.length * (boxHeight + gapY) + 2 * margin,
    at: (i) => ({
      x: width / 2 + order.get(i) * (boxWidth + gapX) - boxWidth / 2,
      y: margin + boxes[i].layer * (boxHeight + gapY),
    }),
  };
}

function drawArrows(picture, drawing, place) {
  for (const [from, to, label] of drawing.arrows) {
    const a = place.at(from), b = place.at(to);
    const x1 = a.x + boxWidth / 2, y1 = a.y + boxHeight, x2 = b.x + boxWidth / 2, y2 = b.y;
    // Arrows that skip layers bend aside, so that they do not run through the boxes between.
    const skips = drawing.boxes[to].layer - drawing.boxes[from].layer > 1;
    const bend = skips ? Math.max(x1, x2) + boxWidth / 2 + gapX / 2 : (x1 + x2) / 2;
    const path = skips
      ? `M${x1 + boxWidth / 4},${y1} C${bend},${y1 + 20} ${bend},${y2 - 20} ${x2 + boxWidth / 4},${y2}`
      : `M${x1},${y1} C${x1},${y1 + gapY / 2} ${x2},${y2 - gapY / 2} ${x2},${y2}`;
    picture.append(svg("path", { class: "arrow", d: path, "marker-end": "url(#tip)" }));
    if (label) picture.append(svg("text", { class: "scale", x: (x1 + x2) / 2 + 6, y: (y1 + y2) / 2 + 3 }, label));
  }
}

/// "dead", "active" or "open", as the style sheet calls them.
const stateClass = ({ state }) => (state === "dead" ? "dead" : state === "undecided" ? "open" : "active");

/// How many units of a box are dead, always active, and neither: a strip along its lower edge.
function drawStrip(group, box, units, x, y) {
  const states = box.members.flatMap(({ key }) => (units.get(key) ?? []).map(stateClass));
  let from = x + 8;
  for (const name of ["dead", "active", "open"]) {
    const width = ((boxWidth - 16) * states.filter((state) => state === name).length) / (states.length || 1);
    if (width > 0) group.append(svg("rect", { class: name, x: from, y: y + boxHeight - 6, width, height: 3 }));
    from += width;
  }
}

/// The picture, and for each node what selects its box.
function drawGraph(drawing, units) {
  const place = placeBoxes(drawing);
  const picture = svg("svg", { width: place.width, height: place.height, role: "group", "aria-label": "graph" });
  const tip = svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
  tip.append(svg("path", { d: "M0,0 L8,4 L0,8 z", fill: "var(--quiet)" }));
  picture.append(tip);
  drawArrows(picture, drawing, place);
  const selectNode = new Map();
  const groups = drawing.boxes.map((box, i) => {
    const { x, y } = place.at(i);
    const group = svg("g", { class: box.sink ? "sink" : "", role: "button", "aria-pressed": "false",
                             "aria-label": box.label, tabindex: i === 0 ? 0 : -1 });
    group.append(svg("rect", { class: `box ${className(box.class)}`, x, y, width: boxWidth, height: boxHeight, rx: 5 }));
    group.append(svg("text", { x: x + 8, y: y + 18 }, shortened(box.label, 36)));
    group.append(svg("title", {}, box.label));
    drawStrip(group, box, units, x, y);
    picture.append(group);
    for (const { key } of box.members) selectNode.set(key, () => group.focus());
    return group;
  });
  const select = makeReachable(groups, (i) => showBox(drawing.boxes[i], units));
  const first = drawing.boxes.findIndex((box) => box.members.some(({ key }) => units.has(key)));
  if (groups.length) select(Math.max(0, first));
  return { picture, selectNode };
}

/// Tab enters the picture once; arrow keys, Home and End move; pointing, focus and a click show. What selects one.
function makeReachable(groups, show) {
  const select = (i) => {
    groups.forEach((group, k) => {
      group.setAttribute("aria-pressed", String(k === i));
      group.setAttribute("tabindex", k === i ? 0 : -1);
    });
    show(i);
  };
  const moves = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  groups.forEach((group, i) => {
    group.addEventListener("mouseenter", () => select(i));
    group.addEventListener("click", () => group.focus());
    group.addEventListener("focus", () => select(i));
    group.addEventListener("keydown", (event) => {
      let to = -1;
      if (event.key in moves) to = Math.min(groups.length - 1, Math.max(0, i + moves[event.key]));
      if (event.key === "Home") to = 0;
      if (event.key === "End") to = groups.length - 1;
      if (to < 0) return;
      event.preventDefault();
      groups[to].focus();
    });
  });
  return select;
}

/// An interval on the line from -limit to limit, with 0 marked.
function intervalBar(unit, limit) {
  const percent = (value) => 50 + (50 * Math.max(-limit, Math.min(limit, value))) / limit;
  const range = element("span");
  range.style.left = `${percent(unit.low)}%`;
  range.style.width = `${Math.max(0.5, percent(unit.high) - percent(unit.low))}%`;
  return element("div", { class: `bar ${stateClass(unit)}` }, range, element("i"));
}

const shortNumber = (value) => (Number.isFinite(value) ? String(+value.toPrecision(6)) : String(value));

function showUnits(panel, units) {
  const finite = units.flatMap((unit) => [unit.low, unit.high]).filter(Number.isFinite);
  const limit = finite.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  const list = element("div", { class: "units" });
  units.slice(0, 256).forEach((unit, k) => {
    const range = `${shortNumber(unit.low)} to ${shortNumber(unit.high)}`;
    const bar = intervalBar(unit, limit);
    bar.setAttribute("title", `unit ${k}: ${range}, ${unit.state}`);
    list.append(element("span", { class: "number" }, `[${k}]`), bar, element("span", { class: "number" }, range));
  });
  panel.append(element("p", { class: "quiet" }, "what each unit reads, on the box:"), list);
  if (units.length > 256) panel.append(element("p", { class: "quiet" }, `and ${units.length - 256} more units`));
}

function showBox(box, units) {
  const panel = document.getElementById("detail");
  panel.replaceChildren(element("h3", {}, box.label));
  for (const member of box.members) {
    const facts = { node: member.key, is: member.class, shape: member.shape, activation: member.saturation, "rescaled by": member.scales };
    const list = element("dl", { class: "facts" });
    for (const [name, fact] of Object.entries(facts))
      if (fact) list.append(element("dt", {}, name), element("dd", {}, element("code", {}, fact)));
    panel.append(list);
    if (units.has(member.key)) showUnits(panel, units.get(member.key));
  }
}
