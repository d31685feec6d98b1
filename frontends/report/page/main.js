// Puts the page together from its data. Every text goes in as text: no name becomes markup.

const levelWords = {
  structure: "for all parameter values", values: "at these parameters", box: "on the box",
};

/// The number nearest to a fraction, whose parts may have more digits than a number holds.
function quotient(fraction) {
  const [above, below] = fraction.split("/");
  const cut = Math.max(0, above.length - 300, below.length - 300);
  const shifted = (digits) => Number(digits.slice(0, digits.length - cut));
  return shifted(above) / shifted(below);
}

/// Exact fractions of more digits than a reader wants, as decimals; the JSON form keeps them. Names may look alike.
function readable(sentence) {
  return sentence.replace(/(?<![\w.:'"/-])-?\d+\/[1-9]\d*(?![\w'"/-]|[.:]\w)/g, (fraction) =>
    fraction.length > 14 ? `about ${shortNumber(quotient(fraction))}` : fraction);
}

/// The sentence with each node that is drawn as a link to its box.
function withLinks(sentence, selectNode) {
  return readable(sentence).split(/(%\d+)/).map((part) => {
    if (!selectNode.has(part)) return part;
    const link = element("a", { href: "#graph" }, part);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      selectNode.get(part)();
    });
    return link;
  });
}

const kindOf = (finding) => (finding.level === "observed" ? "observed" : finding.verdict);

function certificateLink(name, certificate) {
  const link = element("a", { href: `#certificate-${name}` }, `certificate ${name}`);
  link.addEventListener("click", () => { document.getElementById(`certificate-${name}`).open = true; });
  return [" · ", link, certificate.checked ? " checked" : " REFUSED"];
}

function findingBox(finding, certificates, selectNode) {
  const kind = kindOf(finding), certificate = certificates[finding.certificate];
  const [first, ...rest] = finding.sentences;
  const level = element("span", { class: "level" }, kind === "observed" ? "not proved: other samples can differ" : levelWords[finding.level]);
  if (certificate) level.append(...certificateLink(finding.certificate, certificate));
  const words = element("div", {}, element("p", {}, ...withLinks(first, selectNode), level));
  if (rest.length) words.append(element("ul", {}, ...rest.map((line) => element("li", {}, ...withLinks(line, selectNode)))));
  return element("div", { class: `finding ${kind}` }, element("span", { class: "verdict" }, kind), words);
}

/// Section by section, the first few open and the rest folded.
function showFindings(place, report, selectNode) {
  const open = 6;
  const spoken = report.findings.filter(({ sentences }) => sentences.length > 0);
  for (const name of new Set(spoken.map(({ section }) => section))) {
    const boxes = spoken.filter(({ section }) => section === name).map((finding) => findingBox(finding, report.certificates, selectNode));
    const list = element("div", {}, ...boxes.slice(0, open));
    if (boxes.length > open)
      list.append(element("details", {}, element("summary", {}, `${boxes.length - open} more`), ...boxes.slice(open)));
    place.append(element("div", { class: "topic" }, element("h3", {}, name), list));
  }
}

/// How many findings there are of each kind; a press shows one kind alone, another press all.
function showTiles(place, report) {
  const spoken = report.findings.filter(({ sentences }) => sentences.length > 0);
  const filters = ["proved", "refuted", "unknown", "observed"].map((kind) => {
    const number = spoken.filter((finding) => kindOf(finding) === kind).length;
    const tile = element("button", { class: `tile ${kind}`, type: "button", "aria-pressed": "false" },
      element("strong", {}, String(number)), element("span", {}, kind));
    tile.addEventListener("click", () => {
      const alone = tile.getAttribute("aria-pressed") === "false";
      filters.forEach((other) => other.setAttribute("aria-pressed", String(alone && other === tile)));
      document.querySelectorAll(".finding").forEach((box) => { box.hidden = alone && !box.classList.contains(kind); });
      document.querySelectorAll(".topic").forEach((topic) => { topic.hidden = !topic.querySelector(".finding:not([hidden])"); });
    });
    return tile;
  });
  const certificates = Object.values(report.certificates);
  const plain = [
    [`${certificates.filter(({ checked }) => checked).length} of ${certificates.length}`, "certificates checked"],
    [report.cost.parameters.toLocaleString("en"), "parameters"],
    [report.cost.operations.toLocaleString("en"), "operations a sample"],
  ].map(([number, words]) => element("div", { class: "tile" }, element("strong", {}, number), element("span", {}, words)));
  place.append(...filters, ...plain);
}

function showContents(place) {
  for (const title of document.querySelectorAll("main h2"))
    place.append(element("a", { href: `#${title.parentElement.id}` }, title.textContent));
}

function swatch(name) {
  const made = element("span", { class: "swatch" });
  made.style.background = `var(--${name})`;
  return made;
}

function showLegend(place, hasUnits) {
  const classes = { constant: "constant", affine: "affine", piecewise: "piecewise linear", smooth: "smooth" };
  for (const [name, words] of Object.entries(classes)) {
    place.append(swatch(name), words);
  }
  place.append(" · thick border: an affine part ends here · s1..s4: rescaling factors that a tensor carries");
  if (!hasUnits) return;
  place.append(element("br"));
  for (const [name, words] of Object.entries({ dead: "dead", active: "always on another piece", open: "undecided" }))
    place.append(swatch(name), words);
  place.append(" units on the box: the strip under a name");
}

function showCertificates(section, certificates) {
  const entries = Object.entries(certificates);
  if (entries.length === 0) return section.append(element("p", { class: "quiet" }, "none"));
  for (const [name, certificate] of entries) {
    const details = element("details", { id: `certificate-${name}` });
    details.append(
      element("summary", {}, `${name}: ${certificate.checked ? "accepted" : "REFUSED"}, ${certificate.reason}`),
      element("pre", { tabindex: 0 }, JSON.stringify(certificate.certificate, null, 1)));
    section.append(details);
  }
}

/// An unstable unit, of which no piece is proved, is called undecided.
const spokenState = (state) => (!state || state === "unstable" ? "undecided" : state);

/// Intervals of units by node key, from every finding that gives some.
function unitsOf(report) {
  const units = new Map();
  for (const finding of report.findings.filter(({ id }) => id === "units"))
    for (const node of finding.evidence.units)
      units.set(node.node, node.intervals.map(([low, high], i) => ({ low: toNumber(low), high: toNumber(high), state: spokenState(node.states?.[i]) })));
  return units;
}

function show({ report, drawing, network, folds, no_folds: noFolds }) {
  document.title = `${report.title} · crease report`;
  document.getElementById("title").textContent = report.title;
  document.getElementById("line").textContent = `${report.network} · digest ${report.graph.slice(0, 8)}`;
  document.getElementById("box").append(...report.box.map((line) => element("div", {}, line)));
  const units = unitsOf(report);
  const { picture, selectNode } = drawGraph(drawing, units);
  showTiles(document.getElementById("tiles"), report);
  showFindings(document.getElementById("findings"), report, selectNode);
  showLegend(document.getElementById("legend"), units.size > 0);
  document.getElementById("drawing").append(picture);
  showRescaling(document.getElementById("rescaling"), network);
  showRegions(document.getElementById("regions"), network, folds, noFolds);
  showCertificates(document.getElementById("certificates"), report.certificates);
  showContents(document.getElementById("contents"));
}

show(JSON.parse(document.getElementById("data").textContent));
