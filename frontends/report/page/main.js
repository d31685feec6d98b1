// Puts the page together from its data. Every text goes in as text: no name becomes markup.

const levelWords = {
  structure: "for all parameter values", values: "at these parameters", box: "on the box", observed: "observed, not proved",
};

/// Exact fractions of more digits than a reader wants, as decimals; the JSON form keeps them.
function readable(sentence) {
  return sentence.replace(/-?\d+\/\d+/g, (fraction) => {
    const [above, below] = fraction.split("/").map(Number);
    return fraction.length > 14 ? `about ${shortNumber(above / below)}` : fraction;
  });
}

function findingBox(finding, certificates) {
  const certificate = certificates[finding.certificate];
  const checked = certificate ? `; certificate ${finding.certificate} ${certificate.checked ? "checked" : "REFUSED"}` : "";
  const observed = finding.level === "observed";
  const verdict = observed ? levelWords.observed : `${finding.verdict} ${levelWords[finding.level]}${checked}`;
  const box = element("div", { class: `finding ${observed ? "" : finding.verdict}` });
  finding.sentences.forEach((sentence, i) => {
    const line = element("p", {}, readable(sentence));
    if (i === 0) line.append(" ", element("span", { class: "verdict" }, `[${verdict}]`));
    box.append(line);
  });
  return box;
}

/// Section by section, the first few open and the rest folded.
function showFindings(place, report) {
  const open = 6;
  const spoken = report.findings.filter(({ sentences }) => sentences.length > 0);
  for (const name of new Set(spoken.map(({ section }) => section))) {
    const boxes = spoken.filter(({ section }) => section === name).map((finding) => findingBox(finding, report.certificates));
    place.append(element("h3", {}, name), ...boxes.slice(0, open));
    if (boxes.length > open)
      place.append(element("details", {}, element("summary", {}, `${boxes.length - open} more`), ...boxes.slice(open)));
  }
}

function showLegend(place) {
  const classes = { constant: "constant", affine: "affine", piecewise: "piecewise linear", smooth: "smooth" };
  for (const [name, words] of Object.entries(classes)) {
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = `var(--${name})`;
    place.append(swatch, words);
  }
  place.append("  ·  thick border: an affine part ends here  ·  s1..s4: rescaling factors that a tensor carries");
}

function showCertificates(section, certificates) {
  const entries = Object.entries(certificates);
  if (entries.length === 0) return section.append(element("p", { class: "quiet" }, "none"));
  for (const [name, certificate] of entries) {
    const details = element("details");
    details.append(
      element("summary", {}, `${name}: ${certificate.checked ? "accepted" : "REFUSED"}, ${certificate.reason}`),
      element("pre", { tabindex: 0 }, JSON.stringify(certificate.certificate, null, 1)));
    section.append(details);
  }
}

/// Intervals of units by node key, from every finding that gives some.
function unitsOf(report) {
  const units = new Map();
  for (const finding of report.findings.filter(({ id }) => id === "units"))
    for (const node of finding.evidence.units)
      units.set(node.node, node.intervals.map(([low, high], i) => ({ low: toNumber(low), high: toNumber(high), state: node.states?.[i] ?? "" })));
  return units;
}

function show({ report, drawing, network, folds }) {
  document.title = `${report.title} · crease report`;
  document.getElementById("title").textContent = report.title;
  document.getElementById("line").textContent = `${report.network}  ·  ${report.cost.parameters.toLocaleString("en")} parameters  ·  digest ${report.graph.slice(0, 8)}`;
  showFindings(document.getElementById("findings"), report);
  showLegend(document.getElementById("legend"));
  document.getElementById("drawing").append(drawGraph(drawing, unitsOf(report)));
  showRescaling(document.getElementById("rescaling"), network);
  showRegions(document.getElementById("regions"), network, folds);
  showCertificates(document.getElementById("certificates"), report.certificates);
}

show(JSON.parse(document.getElementById("data").textContent));
