// Sliders that multiply parameters by elements of the rescaling group, and the outputs computed anew.

/// The network's parameters after coordinate k is multiplied by 2^exponents[k].
function rescaledParameters(network, exponents) {
  const parameters = {};
  for (const { node, forms, form } of network.scaling.parameters) {
    const factors = forms.map((terms) => 2 ** terms.reduce((sum, [k, power]) => sum + power * exponents[k], 0));
    const record = network.nodes[node];
    const original = (record.array ??= Float64Array.from(record.values, toNumber));
    parameters[node] = original.map((value, i) => toType(record.type, value * factors[form[i]]));
  }
  return parameters;
}

function sumOfSquares(network, parameters) {
  let sum = 0;
  for (const { node } of network.scaling.parameters)
    for (const value of parameters[node]) sum += value * value;
  return sum;
}

function outputTable(network, before, after) {
  const table = element("table", { id: "outputs" });
  table.append(element("tr", {}, ...["output", "as trained", "rescaled", "difference"].map((t) => element("th", { scope: "col" }, t))));
  let worst = 0, shown = 0;
  for (const { name, node } of network.outputs) {
    before[node].forEach((value, i) => {
      const difference = Math.abs(after[node][i] - value);
      worst = Math.max(worst, difference);  // NaN if any is NaN
      if (++shown > 12) return;
      const cells = [`${name}[${i}]`, String(value), String(after[node][i]), String(difference)];
      table.append(element("tr", {}, ...cells.map((text) => element("td", { class: "number" }, text))));
    });
  }
  return { table, worst, hidden: Math.max(0, shown - 12) };
}

/// One slider; `moved` gets its new exponent.
function slider(name, moved) {
  const input = element("input", { type: "range", min: -4, max: 4, step: 1, value: 0, "aria-label": `factor of ${name}` });
  const value = element("output", {}, "× 1");
  input.addEventListener("input", () => {
    value.textContent = `× 2^${input.value}`;
    moved(Number(input.value));
  });
  return { label: element("label", {}, element("span", { title: name }, name), input, value), input, value };
}

function showRescaling(section, network) {
  const names = network.scaling?.coordinates ?? [];
  if (network.reason) return section.append(element("p", { class: "quiet" }, `No sliders: ${network.reason}.`));
  if (names.length === 0)
    return section.append(element("p", {}, "No factor but 1 leaves the outputs unchanged: the group is trivial."));

  const exponents = names.map(() => 0);
  let seed = 1, waiting = false;
  const result = element("div", { class: "scroll", "aria-live": "polite" });
  const redraw = () => {
    waiting = false;
    const inputs = randomInputs(network, seed);
    const parameters = rescaledParameters(network, exponents);
    const { table, worst, hidden } = outputTable(network, runNetwork(network, inputs), runNetwork(network, inputs, parameters));
    const verdict = worst === 0 ? "The outputs did not move: every bit is the same." : `Greatest difference: ${worst}.`;
    result.replaceChildren(element("p", { id: "moved" }, verdict), table);
    if (hidden) result.append(element("p", { class: "quiet" }, `and ${hidden} more outputs`));
    result.append(element("p", { class: "quiet", id: "squares" }, `sum of squares of all parameters: ${sumOfSquares(network, parameters)}`));
  };
  const soon = () => { if (!waiting) { waiting = true; setTimeout(redraw); } };
  const sliders = names.map((name, k) => slider(name, (value) => { exponents[k] = value; soon(); }));
  const setAll = (choose) => {
    sliders.forEach(({ input, value }, k) => {
      exponents[k] = choose(k);
      input.value = exponents[k];
      value.textContent = `× 2^${exponents[k]}`;
    });
    soon();
  };
  const button = (text, id, act) => {
    const made = element("button", { type: "button", id }, text);
    made.addEventListener("click", act);
    return made;
  };
  section.append(
    element("p", {}, `Each slider multiplies what leads into a unit by a power of two and divides what leads out of it by the same. ` +
      `The table computes the network again, in its own arithmetic, for one random input.`),
    element("p", {},
      button("All at random", "shuffle", () => setAll(() => Math.floor(Math.random() * 9) - 4)),
      button("Back to 1", "reset", () => setAll(() => 0)),
      button("Another input", "another", () => { ++seed; soon(); })),
    element("div", { class: "sliders" }, ...sliders.map(({ label }) => label)), result);
  redraw();
}
