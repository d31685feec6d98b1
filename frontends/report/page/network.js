// A network in the page: the same loops and bodies that the engine runs, read from the report's data.

/// erf to about 1e-15: Maclaurin series near 0, continued fraction (Lentz) far away.
function erf(x) {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a, sum = a;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; ++n) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k > 0; --k) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function sigmoid(x) {
  return x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));
}

/// Instructions over registers `v`; a and b are the positions of operands.
const scalarFunctions = {
  add: (a, b) => a + b, subtract: (a, b) => a - b, multiply: (a, b) => a * b, divide: (a, b) => a / b,
  negate: (a) => -a, max: (a, b) => Math.max(a, b), min: (a, b) => Math.min(a, b),
  less: (a, b) => +(a < b), less_equal: (a, b) => +(a <= b), equal: (a, b) => +(a === b),
  and: (a, b) => +(a !== 0 && b !== 0), or: (a, b) => +(a !== 0 || b !== 0), not: (a) => +(a === 0),
  select: (c, a, b) => (c !== 0 ? a : b),
  exp: Math.exp, expm1: Math.expm1, log: Math.log, log1p: Math.log1p, sqrt: Math.sqrt, sin: Math.sin, cos: Math.cos,
  tanh: Math.tanh, sigmoid, softplus, erf, floor: Math.floor,
};

function toNumber(value) {
  if (typeof value === "number") return value;
  return value === "nan" ? NaN : value === "inf" ? Infinity : -Infinity;
}

const identity = (x) => x;

/// A body as a function (arguments, point) -> registers, all in one array that the next call overwrites.
function bodyFunction(instructions, round) {
  const registers = new Float64Array(instructions.length);
  const steps = [];
  instructions.forEach((instruction, place) => {
    const [kind, a, b, c] = instruction;
    if (kind === "constant") registers[place] = round(toNumber(a));
    else if (kind === "size") registers[place] = 1;
    else if (kind === "argument") steps.push((x) => { registers[place] = x[a]; });
    else if (kind === "index") steps.push((x, point) => { registers[place] = point[a]; });
    else {
      const f = scalarFunctions[kind];
      steps.push(() => { registers[place] = round(f(registers[a], registers[b], registers[c])); });
    }
  });
  return (x, point) => {
    for (const step of steps) step(x, point);
    return registers;
  };
}

/// Row-major position of an access at a point, or -1 outside.
function positionOf(access, sizes, point, lookup) {
  let position = 0;
  for (let d = 0; d < access.length; ++d) {
    const index = access[d];
    let at = index.offset;
    for (const [label, coefficient] of index.terms) at += coefficient * point[label];
    if (index.lookup >= 0) at = lookup(index.lookup);
    if (at < 0 || at >= sizes[d]) return -1;
    position = position * sizes[d] + at;
  }
  return position;
}

const initialValue = { max: -Infinity, argmax: -Infinity, min: Infinity, argmin: Infinity, product: 1 };

function wins(combine, value, best) {
  if (Number.isNaN(best)) return false;
  if (Number.isNaN(value)) return true;
  return combine === "max" || combine === "argmax" ? value > best : value < best;
}

function toType(type, value) {
  if (type === "f32") return Math.fround(value);
  if (type === "bool") return +(value !== 0);
  return type === "f64" ? value : Math.trunc(value);
}

const count = (sizes) => sizes.reduce((a, b) => a * b, 1);

/// Runs one node; `mark` is told on which side of each kink every point lies, and who wins each maximum.
function runNode(node, nodes, values, mark) {
  const round = node.compute === "f32" ? Math.fround : identity;
  node.run ??= bodyFunction(node.body, round);
  const total = new Float64Array(count(node.sizes)).fill(initialValue[node.combine] ?? 0);
  const winner = new Float64Array(total.length);
  const indexed = node.combine.startsWith("arg"), extremum = node.combine in initialValue && node.combine !== "product";
  const written = new Set(node.write.flatMap((index) => index.terms.map(([label]) => label)));
  const point = new Int32Array(node.extents.length), x = new Float64Array(node.operands.length);
  const at = (k, lookup) => positionOf(node.reads[k], nodes[node.operands[k]].sizes, point, lookup);
  const lookup = (k) => { const p = at(k, () => -1); return p < 0 ? -1 : values[node.operands[k]][p]; };

  const step = () => {
    for (let k = 0; k < x.length; ++k) {
      const p = at(k, lookup);
      if (p < 0) return;
      x[k] = values[node.operands[k]][p];
    }
    const to = positionOf(node.write, node.sizes, point, lookup);
    if (to < 0) return;
    const registers = node.run(x, point);
    const value = registers[node.result];
    if (mark) for (const kink of node.kinks) mark(Math.sign(registers[kink]));
    if (node.combine === "assign") total[to] = value;
    else if (node.combine === "sum") total[to] += value;
    else if (node.combine === "product") total[to] *= value;
    else if (wins(node.combine, value, total[to])) {
      total[to] = value;
      winner[to] = node.extents.reduce((sum, extent, l) => (written.has(l) ? sum : sum * extent + point[l]), 0);
    }
  };
  if (node.extents.every((extent) => extent > 0)) {
    for (let label = 0; label >= 0;) {
      step();
      for (label = point.length - 1; label >= 0 && ++point[label] === node.extents[label]; --label) point[label] = 0;
    }
  }
  if (mark && extremum) winner.forEach(mark);
  return (indexed ? winner : total).map((value) => toType(node.type, value));
}

/// All values of a network: inputs by name, other parameters than its own by node.
function runNetwork(network, inputs, parameters = {}, mark = null) {
  const values = [];
  network.nodes.forEach((node, id) => {
    if (node.role === "input") values.push(inputs[node.name].map((value) => toType(node.type, value)));
    else if (node.role === "apply") values.push(runNode(node, network.nodes, values, mark));
    else values.push(parameters[id] ?? (node.array ??= Float64Array.from(node.values, toNumber)));
  });
  return values;
}

/// Numbers in [-1, 1) from a seed (mulberry32), so that a page shows the same each time.
function randomNumbers(seed, length) {
  let state = seed >>> 0;
  return Float64Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1;
  });
}

function randomInputs(network, seed) {
  const inputs = {};
  network.nodes.forEach((node, id) => {
    if (node.role === "input") inputs[node.name] = randomNumbers(seed * 7919 + id, count(node.sizes));
  });
  return inputs;
}
