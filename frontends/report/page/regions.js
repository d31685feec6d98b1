// Networks of two numbers: the plane, cut into the pieces on which the network is one affine map. Exact polygons
// where the report has them; else points of a grid, coloured by which side of each kink they are on.

/// FNV-1a over the sides.
function pattern(network, name, x, y) {
  let hash = 0x811c9dc5;
  const mark = (side) => { hash = Math.imul(hash ^ (side + 2), 0x01000193); };
  runNetwork(network, { [name]: Float64Array.of(x, y) }, {}, mark);
  return hash >>> 0;
}

function colour(hash) {
  return `hsl(${hash % 360} ${45 + ((hash >>> 9) % 30)}% ${50 + ((hash >>> 16) % 25)}%)`;
}

/// Polygons with exact corners; one colour is one affine map, named under the picture where the pointer or the
/// focus is.
function drawFolds(section, folds) {
  const size = 480, scale = size / (2 * folds.half);
  const picture = svg("svg", { id: "folds", width: size, height: size, viewBox: `0 0 ${size} ${size}`, role: "img",
    "aria-label": `${folds.linear_regions} linear regions in the plane` });
  const note = element("p", { id: "pieces", class: "quiet" },
    `${folds.activation_regions} activation regions, ${folds.linear_regions} linear regions, ${folds.maps.length} distinct affine maps in this square: exact.`);
  const map = element("p", { id: "map", "aria-live": "polite" }, "Point at a piece, or walk through them with Tab and the arrow keys.");
  const polygons = folds.cells.map(({ corners, map: number }, i) => {
    const points = corners.map(([x, y]) => `${((x + folds.half) * scale).toFixed(2)},${((folds.half - y) * scale).toFixed(2)}`).join(" ");
    const polygon = svg("polygon", { points, tabindex: i === 0 ? 0 : -1, stroke: "#222", "stroke-width": 0.7,
      fill: `hsl(${(number * 137.508) % 360} ${45 + 10 * (number % 3)}% ${62 + 6 * (Math.floor(number / 3) % 4)}%)` });
    const show = () => {
      map.textContent = folds.maps[number];
      polygons.forEach((other, k) => other.classList.toggle("same", folds.cells[k].map === number));
    };
    polygon.addEventListener("pointerenter", show);
    polygon.addEventListener("focus", show);
    return polygon;
  });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = polygons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = (at + step + polygons.length) % polygons.length;
    polygons[at].setAttribute("tabindex", -1);
    polygons[next].setAttribute("tabindex", 0);
    polygons[next].focus();
  });
  picture.append(...polygons);
  section.append(element("div", { class: "folds" }, picture,
    element("div", {}, element("p", {}, `Inputs from -${folds.half} to ${folds.half} in both directions; the origin is in the middle. ` +
      "One colour is one affine map, an edge between two colours a fold."), note, map)));
}

/// Points of a grid, row by row between other work of the page.
function drawGrid(section, network, name) {
  const size = 240, half = 2;
  const canvas = element("canvas", { width: size, height: size, role: "img", "aria-label": "linear pieces over the plane" });
  const note = element("p", { id: "pieces", class: "quiet" }, "drawing ...");
  section.append(element("p", {}, `Inputs from -${half} to ${half} in both directions; the origin is in the middle.`), canvas, note);
  const paint = canvas.getContext("2d");
  const seen = new Set();
  let row = 0;
  const draw = () => {
    const until = performance.now() + 25;
    for (; row < size && performance.now() < until; ++row) {
      for (let column = 0; column < size; ++column) {
        const x = ((column + 0.5) / size * 2 - 1) * half, y = (1 - (row + 0.5) / size * 2) * half;
        const hash = pattern(network, name, x, y);
        seen.add(hash);
        paint.fillStyle = colour(hash);
        paint.fillRect(column, row, 1, 1);
      }
    }
    if (row < size) return setTimeout(draw);
    note.textContent = `${seen.size} patterns of sides seen on a grid of ${size} by ${size} points: observed, a lower bound.`;
  };
  setTimeout(draw);
}

function showRegions(section, network, folds, noFolds) {
  if (folds) return drawFolds(section, folds);
  if (noFolds) section.append(element("p", { id: "no-folds", class: "quiet" }, `No exact picture: ${noFolds}.`));
  const inputs = (network.nodes ?? []).filter((node) => node.role === "input");
  if (inputs.length !== 1 || count(inputs[0].sizes) !== 2) return noFolds ? undefined : section.remove();
  drawGrid(section, network, inputs[0].name);
}
