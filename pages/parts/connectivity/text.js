// Text whose steps are shaded by what the step under the pointer is connected with. All numbers come with the data, so
// that hovering asks nobody: one step of one panel looks up the steps of the others, and every text takes its colours
// from a table. Text of models and users goes in by textContent alone.

const SIZE = 32767;

function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return new Int16Array(bytes.buffer);
}

// Rows of a lower triangle: shares of the row's largest, and that largest.
function triangle(packed) {
  const values = decoded(packed.values), peak = packed.peak;
  return {
    peak,
    at: (row, column) => (column > row ? 0 : (values[(row * (row + 1)) / 2 + column] / SIZE) * peak[row]),
    some: (row) => peak[row] !== null,
  };
}

function make(kind, parent, name, text) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function numeral(value) {
  if (!value) return "0";
  const size = Math.abs(value);
  return size >= 1000 || size < 0.001 ? value.toExponential(1) : value.toPrecision(3);
}

function percent(share) {
  if (share === null) return "";
  return share >= 0.1 ? `${(100 * share).toFixed(0)} %` : `${(100 * share).toPrecision(2)} %`;
}

class Text {
  // A flow of steps that can be shaded; `steps` are words as shown, `breaks` where a line ends.
  constructor(parent, panel, name) {
    this.box = make("div", parent, `text ${panel.signs ? "signs" : ""} ${name}`);
    this.spans = [];
    this.shown = new Int16Array(panel.words.length).fill(-1);
    panel.words.forEach((word, step) => {
      if (step && panel.gaps[step]) this.box.appendChild(document.createTextNode(panel.gaps[step]));
      const span = make("span", this.box, "step", word);
      if (panel.added[step]) span.classList.add("added");
      if (panel.unknown[step]) span.classList.add("unknown");
      if (word.endsWith("↵") || word === "␣") span.classList.add("mark");
      span.dataset.step = step;
      if (panel.breaks[step]) this.box.appendChild(document.createTextNode("\n"));
      this.spans.push(span);
    });
  }

  // Colour each step by the place (0 to 1) of its value; -1 for none.
  paint(places, colours) {
    const last = colours.fills.length - 1;
    for (let step = 0; step < this.spans.length; step++) {
      const place = places[step] < 0 ? -1 : Math.round(Math.min(1, places[step]) * last);
      if (place === this.shown[step]) continue;
      this.shown[step] = place;
      const style = this.spans[step].style;
      style.backgroundColor = place < 0 ? "" : colours.fills[place];
      style.color = place < 0 ? "" : colours.inks[place];
    }
  }
}

class View {
  constructor(root, data, tell) {
    this.tell = tell;
    this.root = root;
    this.build(data);
    root.onpointermove = (event) => this.point(event);
    root.onpointerleave = () => this.hover(null);
    root.onclick = (event) => this.click(event);
    root.onkeydown = (event) => this.key(event);
  }

  build(data) {
    this.data = data;
    this.root.replaceChildren();
    this.held = data.at;
    this.over = null;
    this.notes = make("div", this.root, "notes");
    this.panels = data.panels.map((panel) => this.panel(panel));
    this.differences = data.difference ? this.panels.slice(1).map((panel) => this.against(panel)) : [];
    const foot = make("div", this.root, "foot");
    const save = make("button", foot, "save", "Save this as a picture (SVG)");
    save.type = "button";
    save.onclick = (event) => { event.stopPropagation(); this.save(); };
    make("span", foot, "quiet",
      "Hover or touch to look, click to hold, click again to let go; ← → step by step, ↑ ↓ by words, Esc lets go.");
    this.write(data.notes);
    this.look(data);
    this.show();
    this.reveal();
  }

  // Bring the framed step of a text that scrolls into its window.
  reveal() {
    const { from, step } = this.current();
    for (const each of this.panels) {
      const box = each.text.box, span = each.text.spans[this.partner(from, step, each)];
      const place = span.offsetTop - box.offsetTop;
      if (place < box.scrollTop || place > box.scrollTop + box.clientHeight - 30) box.scrollTop = place - box.clientHeight / 2;
    }
  }

  // What changes without the text being another: direction, scale, notes, the held step.
  look(data) {
    this.data = data;
    this.later = data.later;
  }

  panel(panel) {
    const box = make("div", this.root, "panel");
    const head = make("div", box, "head");
    make("span", head, "title", panel.title);
    make("span", head, "quiet", panel.about);
    const legend = this.legend(head);
    const text = new Text(box, panel, "main");
    const side = make("div", box, "side");
    const made = { panel, text, side, legend, values: triangle(panel.values), signed: panel.signed };
    made.largest = panel.values.peak.reduce((most, peak) => Math.max(most, peak || 0), 0);
    if (panel.check) {
      const under = make("div", box, "check");
      made.said = make("div", under, "quiet");
      made.checkLegend = this.legend(under);
      made.checkText = new Text(under, panel, "checked");
      made.checked = triangle(panel.check);
      made.checkLargest = panel.check.peak.reduce((most, peak) => Math.max(most, peak || 0), 0);
    }
    return made;
  }

  legend(parent) {
    const box = make("span", parent, "legend");
    return { low: make("span", box), scale: make("span", box, "scale"), high: make("span", box), said: make("span", box, "quiet") };
  }

  against(other) {
    const box = make("div", this.root, "panel");
    const head = make("div", box, "head");
    make("span", head, "title", `${this.panels[0].panel.title} − ${other.panel.title}`);
    const legend = this.legend(head);
    const same = this.panels[0].panel.words.length === other.panel.words.length &&
      this.panels[0].panel.words.every((word, step) => word === other.panel.words[step]);
    if (!same) {
      make("span", head, "quiet", "These two do not read the same steps, so there is no difference step by step.");
      return null;
    }
    return { other, legend, text: new Text(box, other.panel, "difference") };
  }

  // The step of a panel that holds the middle of another one's step.
  partner(from, step, to) {
    if (from === to) return step;
    const place = (from.panel.begin[step] + Math.max(from.panel.end[step] - 1, from.panel.begin[step])) / 2;
    const begin = to.panel.begin;
    let low = 0, high = begin.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (begin[middle] <= place) low = middle; else high = middle - 1;
    }
    while (low > 0 && to.panel.added[low]) low--;
    return low;
  }

  point(event) {
    const under = this.root.getRootNode().elementFromPoint(event.clientX, event.clientY);
    const found = this.find(under);
    if (found) this.hover(found);
    else if (event.pointerType === "mouse") this.hover(null);
  }

  find(under) {
    const span = under && under.closest ? under.closest("[data-step]") : null;
    if (!span) return null;
    const box = span.parentElement;
    const from = this.panels.find((panel) => panel.text.box === box || (panel.checkText && panel.checkText.box === box)) ||
      (this.differences.find((each) => each && each.text.box === box) || {}).other;
    return from ? { from, step: Number(span.dataset.step) } : null;
  }

  hover(found) {
    const step = found ? this.partner(found.from, found.step, this.panels[0]) : null;
    const own = found ? found : null;
    if (this.over && own && this.over.step === own.step && this.over.from === own.from) return;
    if (!this.over && !own) return;
    this.over = own;
    if (step === null && this.held === null) return;  // what was looked at last stays
    this.show();
  }

  click(event) {
    const found = this.find(event.target);
    if (!found) return;
    this.root.focus({ preventScroll: true });
    const step = this.partner(found.from, found.step, this.panels[0]);
    this.over = null;
    this.hold(step === this.held ? null : step);
  }

  hold(step) {
    this.held = step;
    this.show();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => { this.waiting = null; this.tell("held", { at: this.held }); }, 300);
  }

  key(event) {
    if (event.target !== this.root || event.ctrlKey || event.metaKey || event.altKey) return;
    const panel = this.panels[0].panel, last = panel.words.length - 1;
    const now = this.current().step;
    const blank = (step) => /^[\s␣↵]*$/.test(panel.words[step]);
    let to = null;
    if (event.key === "ArrowLeft") to = Math.max(0, now - 1);
    else if (event.key === "ArrowRight") to = Math.min(last, now + 1);
    else if (event.key === "Home") to = 0;
    else if (event.key === "End") to = last;
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const move = event.key === "ArrowUp" ? -1 : 1;
      to = Math.min(last, Math.max(0, now + move));
      while (panel.signs && to > 0 && to < last && !blank(to)) to += move;
    } else if (event.key === "Escape") {
      this.over = null;
      event.preventDefault();
      return this.hold(null);
    }
    if (to === null) return;
    event.preventDefault();
    this.over = null;
    this.hold(to);
    this.panels.forEach((each) => each.text.spans[this.partner(this.panels[0], to, each)].scrollIntoView({ block: "nearest" }));
  }

  current() {
    if (this.over) return this.over;
    const first = this.panels[0];
    if (this.held !== null) return { from: first, step: Math.min(this.held, first.panel.words.length - 1) };
    if (this.last) return this.last;
    return { from: first, step: first.panel.usual };
  }

  show() {
    const began = performance.now();
    const now = this.last = this.current();
    const steps = this.panels.map((panel) => this.partner(now.from, now.step, panel));
    const largest = this.data.own ? null : Math.max(...this.panels.map((panel) => panel.largest));
    this.panels.forEach((panel, number) => {
      const step = steps[number];
      const top = this.shade(panel.text, panel.values, step, panel.signed, this.data.absolute ? (largest ?? panel.largest) : null);
      this.explain(panel.legend, panel.signed, top, this.data.absolute ? "" : "relative to the most connected");
      if (panel.checkText) {
        const most = this.shade(panel.checkText, panel.checked, step, true, this.data.absolute ? panel.checkLargest : null);
        this.explain(panel.checkLegend, true, most, "fall of the score when the input is taken away");
        const agreed = panel.panel.agreement[step];
        panel.said.textContent = "Occlusion check" + (agreed === null ? "" : `, rank correlation with the row above ${agreed.toFixed(2)}`) +
          (panel.panel.agreed === null ? "" : `, median of all rows ${panel.panel.agreed.toFixed(2)}`);
      }
      this.mark(panel, step, now);
      this.suggest(panel, step);
    });
    this.differences.forEach((each, number) => each && this.differ(each, steps[0], steps[number + 1]));
    this.root.dataset.step = steps[0];
    this.root.dataset.shaded = (performance.now() - began).toFixed(2);
    for (const link of this.notes.querySelectorAll("button")) link.classList.toggle("here", Number(link.dataset.at) === steps[0]);
  }

  mark(panel, step, now) {
    if (panel.marked !== undefined) panel.text.spans[panel.marked].classList.remove("now", "held");
    panel.marked = step;
    panel.text.spans[step].classList.add("now");
    if (this.held !== null && !this.over) panel.text.spans[step].classList.add("held");
    if (panel.checkText) {
      if (panel.alsoMarked !== undefined) panel.checkText.spans[panel.alsoMarked].classList.remove("now");
      panel.alsoMarked = step;
      panel.checkText.spans[step].classList.add("now");
    }
  }

  // Shade the steps that a row (or a column, looking forward) is connected with; the value of the strongest colour.
  shade(text, values, step, signed, absolute) {
    const count = text.spans.length, found = new Float64Array(count);
    let top = 0;
    for (let other = 0; other < count; other++) {
      const value = this.later ? (values.some(other) ? values.at(other, step) : 0) : values.some(step) ? values.at(step, other) : 0;
      found[other] = value;
      top = Math.max(top, Math.abs(value));
    }
    if (absolute !== null) top = absolute;
    const inside = (other) => (this.later ? other >= step : other <= step) && top > 0;
    for (let other = 0; other < count; other++) {
      found[other] = !inside(other) ? -1 : signed ? (found[other] / top + 1) / 2 : found[other] / top;
    }
    text.paint(found, signed ? this.data.signed : this.data.positive);
    return top;
  }

  differ(each, step, its) {
    const first = this.panels[0], second = each.other, count = each.text.spans.length;
    const rows = [[first, step], [second, its]].map(([panel, at]) => {
      const row = new Float64Array(count);
      let total = 0;
      for (let other = 0; other < count; other++) {
        const known = this.later ? panel.values.some(other) : panel.values.some(at);
        row[other] = !known ? 0 : this.later ? panel.values.at(other, at) : panel.values.at(at, other);
        total += Math.abs(row[other]);
      }
      if (!this.data.absolute && total > 0) for (let other = 0; other < count; other++) row[other] /= total;
      return row;
    });
    const found = rows[0].map((value, other) => value - rows[1][other]);
    const top = found.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const inside = (other) => (this.later ? other >= step : other <= step) && top > 0;
    each.text.paint(found.map((value, other) => (inside(other) ? (value / top + 1) / 2 : -1)), this.data.signed);
    this.explain(each.legend, true, top, this.data.absolute ? "difference of the values" : "difference of the shares of the sum");
  }

  explain(legend, signed, top, said) {
    const colours = signed ? this.data.signed : this.data.positive;
    legend.scale.style.background = `linear-gradient(to right, ${colours.fills.join(", ")})`;
    legend.low.textContent = signed ? numeral(-top) : "0";
    legend.high.textContent = numeral(top);
    legend.said.textContent = said;
  }

  suggest(panel, step) {
    const { panel: data, side } = panel;
    side.replaceChildren();
    const heading = make("div", side, "quiet");
    heading.textContent = data.labels ? "What it would answer here" : "Suggestions after this " + (data.signs ? "character" : "word");
    const target = data.target[step];
    data.best[step].forEach(([word, chance], number) => {
      const row = make("div", side, word === target ? "row hit" : "row");
      const bar = make("div", row, "bar");
      bar.style.width = `calc(${Math.max(0.5, 100 * chance)}% * 0.64)`;
      make("span", row, "number quiet", `${number + 1}`).style.textAlign = "left";
      make("span", row, "word", word).title = word;
      make("span", row, "number", percent(chance));
    });
    const said = make("div", side, "said");
    if (target === null) said.textContent = "No target here: nothing follows.";
    else {
      const what = { true: data.labels ? "its answer" : data.instead[step] ? "true one unknown; predicted" : data.completes ? "true word" : "true next", predicted: "predicted", word: "asked about" }[this.data.target];
      make("span", said, "quiet", `${what} `);
      make("strong", said, "", target);
      make("span", said, "", ` ${percent(data.chance[step])}, rank ${data.rank[step].toLocaleString("en")}`);
    }
    make("div", side, "quiet", `${data.first === null ? "position" : "step"} ${(step + (data.first || 0)).toLocaleString("en")}` +
      (data.unknown[step] ? `, read as ${data.read[step]}` : ""));
  }

  // Notes: @12 is a link to position 12.
  write(notes) {
    this.notes.replaceChildren();
    this.notes.style.display = notes ? "" : "none";
    const first = this.panels[0];
    first.text.spans.forEach((span) => span.classList.remove("noted"));
    for (const part of notes.split(/(@\d+)/)) {
      if (!/^@\d+$/.test(part)) { this.notes.appendChild(document.createTextNode(part)); continue; }
      const at = Number(part.slice(1));
      if (at >= first.panel.words.length) { this.notes.appendChild(document.createTextNode(part)); continue; }
      const link = make("button", this.notes, "", part);
      link.type = "button";
      link.dataset.at = at;
      link.onclick = (event) => { event.stopPropagation(); this.over = null; this.hold(at); this.root.focus({ preventScroll: true }); };
      first.text.spans[at].classList.add("noted");
    }
  }

  // The texts whole, those that scroll too, as SVG: every step with its colour where it stands, and all other text.
  save() {
    this.root.classList.add("whole");
    try {
      this.draw();
    } finally {
      this.root.classList.remove("whole");
    }
  }

  draw() {
    const space = "http://www.w3.org/2000/svg", frame = this.root.getBoundingClientRect();
    const svg = document.createElementNS(space, "svg");
    const put = (kind, attributes, text) => {
      const made = document.createElementNS(space, kind);
      for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
      if (text !== undefined) made.textContent = text;
      svg.appendChild(made);
    };
    const height = this.root.querySelector(".foot").getBoundingClientRect().y - frame.y;
    svg.setAttribute("viewBox", `0 0 ${frame.width} ${height}`);
    svg.setAttribute("width", frame.width);
    svg.setAttribute("height", height);
    put("rect", { width: frame.width, height, fill: this.data.background });
    for (const scale of this.root.querySelectorAll(".legend .scale")) {
      const box = scale.getBoundingClientRect(), colours = scale.parentElement.firstChild.textContent === "0" ? this.data.positive : this.data.signed;
      const wide = box.width / colours.fills.length;
      colours.fills.forEach((fill, number) => put("rect", { x: box.x - frame.x + number * wide, y: box.y - frame.y, width: wide + 0.5, height: box.height, fill }));
    }
    const walk = document.createTreeWalker(this.root, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode, parent = node.parentElement;
      if (parent.closest(".foot") || !node.data.trim() && !parent.dataset.step) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const style = getComputedStyle(parent), size = parseFloat(style.fontSize);
      if (parent.closest(".text") && !parent.dataset.step) continue;
      for (const line of lines(node, range)) {
        const { box, text } = line, x = box.x - frame.x, y = box.y - frame.y;
        if (y < 0 || y > height) continue;
        const field = parent.closest(".text");
        if (field) {
          const inside = field.getBoundingClientRect();
          if (box.bottom > inside.bottom + 1 || box.top < inside.top - 1) continue;
          const fill = style.backgroundColor;
          if (fill && fill !== "rgba(0, 0, 0, 0)") put("rect", { x, y: y - 2, width: box.width, height: box.height + 4, rx: 2, fill });
          if (parent.classList.contains("now")) put("rect", { x: x - 1, y: y - 3, width: box.width + 2, height: box.height + 6, rx: 2, fill: "none", stroke: this.data.accent, "stroke-width": 2 });
        }
        put("text", { x, y: y + box.height * 0.78, "font-size": size, "font-weight": style.fontWeight, fill: style.color,
          "font-family": parent.closest(".signs") ? "monospace" : "sans-serif", textLength: box.width, lengthAdjust: "spacingAndGlyphs", "xml:space": "preserve" }, text);
      }
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" }));
    link.download = `${this.data.file}.svg`;
    link.click();
  }
}

// The lines that a piece of text stands in, each with its box.
function lines(node, range) {
  if (range.getClientRects().length < 2) return [{ box: range.getBoundingClientRect(), text: node.data }];
  const found = [];
  for (let place = 0; place < node.data.length; place++) {
    range.setStart(node, place);
    range.setEnd(node, place + 1);
    const box = range.getBoundingClientRect();
    const last = found[found.length - 1];
    if (last && Math.abs(last.box.y - box.y) < 4) {
      last.text += node.data[place];
      last.box = { x: last.box.x, y: last.box.y, width: box.right - last.box.x, height: last.box.height, top: last.box.top, bottom: last.box.bottom };
    } else found.push({ box: { x: box.x, y: box.y, width: box.width, height: box.height, top: box.top, bottom: box.bottom }, text: node.data[place] });
  }
  return found;
}

const views = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  const view = views.get(root);
  if (!view) views.set(root, new View(root, data, setTriggerValue));
  else {
    view.tell = setTriggerValue;
    if (view.data.signature !== data.signature) { view.last = null; view.build(data); return; }
    view.look(data);
    if (!view.waiting) view.held = data.at;
    view.write(data.notes);
    view.show();
  }
}
