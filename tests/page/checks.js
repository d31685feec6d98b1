// Runs in the page after its own script; `facts` holds what must be true. Writes "passed" or the problems.
function same(a, b) {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(a));
}

function check(condition, words) {
  if (!condition) problems.push(words);
}

function checkOutputs(network, dyadic) {
  const inputs = Object.fromEntries(Object.entries(facts.inputs).map(([name, values]) => [name, Float64Array.from(values)]));
  const values = runNetwork(network, inputs);
  network.outputs.forEach(({ name, node }, k) => {
    facts.outputs[k].forEach((wanted, i) => {
      const got = values[node][i];
      check(dyadic ? got === wanted : same(wanted, got), `output ${name}[${i}]: the page has ${got}, the interpreter ${wanted}`);
    });
  });
}

/// Waits until a condition holds, for ten seconds at most.
async function until(condition) {
  for (let i = 0; i < 500 && !condition(); ++i) await new Promise((done) => setTimeout(done, 20));
}

async function checkSliders() {
  const shuffle = document.getElementById("shuffle");
  if (!shuffle) return false;
  const squares = () => document.getElementById("squares").textContent;
  const before = squares();
  shuffle.click();
  await until(() => squares() !== before);
  check(squares() !== before, "rescaling left every parameter as it was");
  check(document.getElementById("moved").textContent.startsWith("The outputs did not move"), "outputs moved: " + document.getElementById("moved").textContent);
  document.querySelector("input[type=range]").value = 3;
  document.querySelector("input[type=range]").dispatchEvent(new Event("input"));
  document.getElementById("another").click();
  document.getElementById("reset").click();
  await until(() => squares() === before);
  check(squares() === before, "back to 1 is not where it began");
  return true;
}

async function checkKeyboard() {
  const boxes = [...document.querySelectorAll("svg g[role=button]")];
  check(boxes.length > 0 && boxes.length <= 300, `${boxes.length} boxes are drawn`);
  check(boxes.filter((box) => box.getAttribute("tabindex") === "0").length === 1, "Tab must reach exactly one box");
  boxes[0].focus();
  boxes[0].dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
  check(document.activeElement === boxes[boxes.length - 1], "End does not reach the last box");
  check(document.querySelectorAll("#detail code").length > 0, "the panel shows nothing for the last box");
  for (const box of boxes) box.focus();
}

/// A press on a tile shows one verdict alone, another press all of them again.
function checkTiles() {
  const shown = () => [...document.querySelectorAll(".finding")].filter((finding) => !finding.hidden);
  const all = shown().length;
  let sum = 0;
  for (const tile of document.querySelectorAll("button.tile")) {
    tile.click();
    const kind = tile.querySelector("span").textContent, number = Number(tile.querySelector("strong").textContent);
    check(shown().length === number && shown().every((finding) => finding.classList.contains(kind)), `the tile ${kind} shows ${shown().length}`);
    sum += number;
    tile.click();
  }
  check(sum === all && shown().length === all, `tiles count ${sum} of ${all} findings`);
}

/// Names of nodes lead to their boxes, names of certificates to what is there; every unit has its bar.
function checkLinks(drawing, report) {
  for (const link of document.querySelectorAll(".finding a")) {
    link.click();
    const focused = document.activeElement.getAttribute("aria-label");
    const box = drawing.boxes.find(({ members }) => members.some(({ key }) => key === link.textContent));
    if (link.textContent.startsWith("%")) check(box && focused === box.label, `${link.textContent} leads to ${focused}`);
    else check(document.querySelector(`${link.getAttribute("href")}[open]`), `${link.textContent} opens nothing`);
  }
  for (const node of report.findings.filter(({ id }) => id === "units").flatMap(({ evidence }) => evidence.units)) {
    const box = drawing.boxes.findIndex(({ members }) => members.some(({ key }) => key === node.node));
    document.querySelectorAll("svg g[role=button]")[box].focus();
    const bars = [...document.querySelectorAll("#detail .bar")].map((bar) => bar.title);
    check(bars.length >= Math.min(256, node.intervals.length), `${node.node} has ${bars.length} bars`);
    const [low] = node.intervals[0];
    check(bars.some((title) => title.startsWith(`unit 0: ${shortNumber(toNumber(low))} to`)), `no bar of ${node.node} shows ${low}`);
  }
}

/// Where the inputs are is said.
function checkBox(report) {
  const lines = [...document.querySelectorAll("#box div")].map((line) => line.textContent);
  check(lines.join() === report.box.join(), `of the box it says '${lines.join()}'`);
}

/// Exact pieces tile the square, and each is named when it has the focus.
function checkFolds() {
  const { folds, no_folds: noFolds } = JSON.parse(document.getElementById("data").textContent);
  const said = document.getElementById("no-folds")?.textContent ?? "";
  check(noFolds ? said.includes(noFolds) : said === "", `of a missing picture it says '${said}'`);
  if (!folds) return;
  const area = (corners) => corners.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length];
    return sum + (x * nextY - y * nextX) / 2;
  }, 0);
  const total = folds.cells.reduce((sum, { corners }) => sum + Math.abs(area(corners)), 0);
  check(Math.abs(total - (2 * folds.half) ** 2) < 1e-9, `the pieces have area ${total}`);
  const polygons = document.querySelectorAll("#folds polygon");
  check(polygons.length === folds.cells.length, `${polygons.length} polygons for ${folds.cells.length} pieces`);
  polygons[0].focus();
  check(document.getElementById("map").textContent === folds.maps[folds.cells[0].map], "the piece with the focus is not named");
  polygons[0].dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  check(document.activeElement === polygons[1 % polygons.length], "the arrow key does not reach the next piece");
}

/// Long fractions become decimals, however long; names that look alike stay.
function checkNumbers() {
  const long = (digits) => "7".repeat(digits);
  const wanted = [
    ["at -577350269189626/1000000000000000, 1/3.", "at about -0.57735, 1/3."],
    [`is ${long(400)}/${long(401)}: so`, "is about 0.1: so"],
    [`from ${long(400)}/${long(2)} to 1${long(2)}/${long(700)}`, "from about Infinity to about 0"]];
  for (const name of ["2024-01-01/02-03-04", "1234567890123/00", "'1234567890123/45'", "layer_1234567890123/45"]) wanted.push([name, name]);
  for (const [sentence, words] of wanted) check(readable(sentence) === words, `"${readable(sentence)}" is not "${words}"`);
}

/// More units than a call takes arguments.
function checkManyUnits() {
  const panel = document.createElement("div");
  showUnits(panel, Array.from({ length: 200000 }, (_, i) => ({ low: -i, high: i, state: "undecided" })));
  check(panel.textContent.endsWith("and 199744 more units"), "200000 units are not shown");
}

async function checkPage() {
  const { report, drawing, network } = JSON.parse(document.getElementById("data").textContent);
  check(document.getElementById("title").textContent === facts.title, "the title is not the text that was given");
  check(report.findings.length === facts.findings, "findings differ from the JSON form");
  check(document.querySelectorAll(".finding").length === report.findings.filter((f) => f.sentences.length).length, "not every finding is shown");
  const drawn = new Set(drawing.boxes.flatMap((box) => box.members.map((member) => member.key)));
  check(drawn.size > 0 && drawn.size <= facts.nodes, "members of boxes are not nodes");
  for (const [from, to] of drawing.arrows) check(drawing.boxes[from].layer < drawing.boxes[to].layer, `arrow ${from} to ${to} leads up`);
  check(document.querySelectorAll("img, iframe, link, b").length === 0, "a name became markup");
  check(performance.getEntriesByType("resource").length === 0, "the page asked for a resource");
  if (!network.reason) checkOutputs(network, facts.title !== "smooth" && facts.title !== "400 layers");
  checkNumbers();
  checkManyUnits();
  await checkKeyboard();
  checkTiles();
  checkBox(report);
  checkLinks(drawing, report);
  const sliders = await checkSliders();
  check(sliders || facts.title !== "digits", "digits must have sliders");
  if (Object.values(facts.inputs).flat().length === 2) {
    const pieces = () => document.getElementById("pieces").textContent;
    await until(() => pieces().includes("seen") || pieces().includes("exact"));
    checkFolds();
    check(Number.parseInt(pieces(), 10) > 2, "too few pieces: " + pieces());
  } else {
    check(!document.getElementById("regions"), "a picture of pieces without two inputs");
  }
}

checkPage().catch((problem) => problems.push(`${problem.message} ${problem.stack}`)).then(() => {
  const result = document.createElement("pre");
  result.id = "test-result";
  result.textContent = problems.length === 0 ? "passed" : problems.slice(0, 10).join("\n");
  document.body.append(result);
});
