// Networks of two numbers: the plane, coloured by which side of each kink a point is on. Points of one colour
// that touch share one affine map.

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

function showRegions(section, network) {
  const inputs = (network.nodes ?? []).filter((node) => node.role === "input");
  if (inputs.length !== 1 || count(inputs[0].sizes) !== 2) return section.remove();
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
        const hash = pattern(network, inputs[0].name, x, y);
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
