// The text area is the editor: the browser's own keys, undo and screen reader work. Behind it stands the same text in
// colours. All text goes in by textContent.

const WORDS = new Set(("all and as asc asof between by case cast create cross desc describe distinct else end except " +
  "exists explain false filter first from full group having in inner intersect is join last lateral left like limit " +
  "materialized not null nulls offset on or order outer over partition pivot preceding range recursive right row rows " +
  "select semi summarize table then true unbounded union unnest using values when where window with").split(" "));
const PARTS = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|("(?:[^"]|"")*"?)|(\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)|([A-Za-z_]\w*)/g;
const LONGEST = 20000;  // characters that are coloured

const boxes = new WeakMap();

function make(kind, parent, name, text) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function colour(back, text, known) {
  back.replaceChildren();
  let at = 0;
  const plain = (until) => { if (until > at) back.appendChild(document.createTextNode(text.slice(at, until))); };
  for (const found of text.length > LONGEST ? [] : text.matchAll(PARTS)) {
    const [all, comment, string, quoted, number, word] = found;
    const kind = comment ? "comment" : string ? "text" : number ? "number" :
      word && WORDS.has(word.toLowerCase()) ? "word" : (word || quoted) && known.has(all.toLowerCase()) ? "known" : "";
    if (!kind) continue;
    plain(found.index);
    make("span", back, kind, all);
    at = found.index + all.length;
  }
  plain(text.length);
  back.appendChild(document.createTextNode("\n"));
}

class Editor {
  constructor(root) {
    this.area = root.querySelector("textarea");
    this.back = root.querySelector(".back");
    this.said = root.querySelector(".said");
    this.find = root.querySelector(".find");
    this.list = root.querySelector(".list");
    this.area.addEventListener("input", () => this.draw());
    this.area.addEventListener("scroll", () => { this.back.scrollTop = this.area.scrollTop; });
    this.area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.run(); }
    });
    root.querySelector(".run").addEventListener("click", () => this.run());
    this.find.addEventListener("input", () => this.filter());
  }

  take(data, send) {
    this.send = send;
    this.answered = data.answered;
    if (this.given !== data.text) { this.given = data.text; this.area.value = data.text; }
    const signature = JSON.stringify([data.tables, data.macros]);
    if (signature !== this.signature) {
      this.signature = signature;
      this.known = new Set([...data.tables, ...data.macros].map((each) => each.name.toLowerCase()));
      this.fill(data);
    }
    this.draw();
  }

  run() {
    if (!this.area.value.trim()) { this.say("Type a query first."); return; }
    this.given = this.area.value;
    this.say("Asking ...");
    this.send({ query: this.area.value, at: Date.now() });
  }

  say(text) { this.said.textContent = text; }

  draw() {
    colour(this.back, this.area.value, this.known);
    this.back.scrollTop = this.area.scrollTop;
    const edited = this.answered !== null && this.area.value !== this.answered;
    this.say(edited ? "Edited since it was answered. Ctrl+Enter runs." : "Ctrl+Enter runs.");
  }

  put(text) {
    this.area.focus();
    const before = this.area.value.slice(0, this.area.selectionStart);
    const gap = before && !/[\s(,.]$/.test(before) ? " " : "";
    if (!document.execCommand("insertText", false, gap + text)) {  // keeps undo; where it does not exist:
      this.area.setRangeText(gap + text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.draw();
    }
  }

  fill(data) {
    this.list.replaceChildren();
    for (const [title, entries] of [["Tables", data.tables], ["Macros: questions as functions", data.macros]]) {
      make("div", this.list, "head", title);
      for (const entry of entries) this.entry(entry);
    }
  }

  entry(entry) {
    const box = make("details", this.list, entry.filled ? "" : "empty");
    const head = make("summary", box);
    head.title = entry.filled ? entry.meaning : `${entry.meaning} (this store has none)`;
    this.button(head, entry.name, entry.written, head.title);
    const meaning = entry.written === entry.name ? entry.meaning : `${entry.written}: ${entry.meaning}`;
    make("div", box, "meaning", meaning + (entry.filled ? "" : ". This store has none."));
    for (const [name, about] of entry.columns) {
      const row = make("div", box, "column");
      row.title = about;
      this.button(row, name, name === "union" ? '"union"' : name, about);
      make("span", row, "quiet", about);
    }
    box.dataset.words = [entry.name, entry.meaning, ...entry.columns.flat()].join(" ").toLowerCase();
  }

  button(parent, shown, written, title) {
    const button = make("button", parent, "put", shown);
    button.type = "button";
    button.title = `${title}\nClick to insert.`;
    button.onclick = (event) => { event.preventDefault(); event.stopPropagation(); this.put(written); };
  }

  filter() {
    const wanted = this.find.value.trim().toLowerCase();
    for (const box of this.list.querySelectorAll("details")) {
      box.hidden = Boolean(wanted) && !box.dataset.words.includes(wanted);
      for (const row of box.querySelectorAll(".column")) {
        row.style.fontWeight = wanted && row.textContent.toLowerCase().includes(wanted) ? "600" : "";
      }
    }
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  let editor = boxes.get(root);
  if (!editor) { editor = new Editor(root); boxes.set(root, editor); }
  editor.take(data, (sent) => setTriggerValue("run", sent.query));
}
