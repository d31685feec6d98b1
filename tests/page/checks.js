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

/// Exact pieces tile the square, and each is named when it has the focus.
function checkFolds() {
  const { folds } = JSON.parse(document.getElementById("data").textContent);
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
  await checkKeyboard();
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
