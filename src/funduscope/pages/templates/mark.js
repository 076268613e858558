"use strict";
// Marks of readings, kept in this browser and saved as a file. Nothing is loaded, nothing is sent.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const STORE = `funduscope-marks-${data.corpus}-${data.sample}`;
  const EYES = ["OD", "OS", "unknown"];
  const STATUSES = ["present", "absent", "uncertain"];
  const names = new Map(data.findings.map((row) => [row[0], row]));
  const blank = () =>
    data.reports.map((report) => ({ marks: report.readings.map(() => null), missed: [], done: false }));
  let language = data.language;
  let marked = blank();
  let at = 0; // report shown
  let line = 0; // its reading in focus
  let picked = ""; // finding chosen in the search field
  let option = 0;

  function word(key, fields = {}) {
    return data.words[language][key].replace(/\{(\w+)\}/g, (_, name) => fields[name]);
  }
  function nameOf(code) {
    const row = names.get(code);
    return row ? row[language === "zh" ? 1 : 2] : code;
  }
  function element(tag, fields = {}, ...children) {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...children);
    return made;
  }
  function say(text) {
    $("said").textContent = text;
  }

  // The file -------------------------------------------------------------------------------

  function crc32(text) {
    let crc = -1;
    for (const byte of new TextEncoder().encode(text)) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
    }
    return (~crc >>> 0).toString(16).padStart(8, "0");
  }
  function fileOf() {
    const body = {
      kind: "funduscope marks",
      format: 1,
      corpus: data.corpus,
      sample: data.sample,
      reader: $("reader").value.trim(),
      reports: data.reports.map((report, number) => ({
        text_id: report.text_id,
        weight: report.weight,
        done: marked[number].done,
        readings: report.readings.map((reading, row) => ({
          ...Object.fromEntries(data.fields.map((field, place) => [field, reading[place]])),
          right: marked[number].marks[row],
        })),
        missed: marked[number].missed,
      })),
    };
    return { ...body, crc32: crc32(JSON.stringify(body)) };
  }
  /** Take the marks of a file of this page; false (and nothing taken) if it is another's. */
  function take(file) {
    try {
      const { crc32: sum, ...body } = file;
      const ours = body.corpus === data.corpus && body.sample === data.sample;
      if (!ours || sum !== crc32(JSON.stringify(body))) return false;
      const said = new Map(body.reports.map((report) => [report.text_id, report]));
      marked = data.reports.map((report) => {
        const { readings, missed, done } = said.get(report.text_id);
        return { marks: readings.map((reading) => reading.right), missed, done };
      });
      $("reader").value = body.reader;
      return true;
    } catch {
      return false;
    }
  }
  function keep() {
    let kept = true;
    try {
      localStorage.setItem(STORE, JSON.stringify({ file: fileOf(), language, at }));
    } catch {
      kept = false;
    }
    $("kept").textContent = word(kept ? "auto" : "no_auto");
  }
  function restore() {
    try {
      const kept = JSON.parse(localStorage.getItem(STORE));
      if (kept && take(kept.file)) {
        language = kept.language;
        at = Math.min(kept.at, data.reports.length - 1);
      }
    } catch {
      // a browser that keeps nothing; keep() says so
    }
  }
  function save() {
    const reader = $("reader").value.trim();
    if (!reader) {
      say(word("reader_missing"));
      $("reader").focus();
      return;
    }
    const safe = reader.replace(/[^\p{L}\p{N}-]/gu, "_");
    const file = `marks_${safe}_${data.corpus.slice(0, 8)}.json`;
    const blob = new Blob([JSON.stringify(fileOf(), null, 1)], { type: "application/json" });
    const link = element("a", { href: URL.createObjectURL(blob), download: file });
    document.body.append(link);
    link.click();
    link.remove();
    say(word("saved", { file }));
  }

  // What is shown --------------------------------------------------------------------------

  function details(reading) {
    const [eye, , status, temporality, experiencer, grade] = reading;
    const parts = [word(eye), word(status)];
    if (temporality === "history") parts.push(word("history"));
    if (experiencer === "family") parts.push(word("family"));
    if (grade) parts.push(word("grade", { grade: grade.replace(":", " ").toUpperCase() }));
    return parts.join(" · ");
  }
  /** The report, cut where readings begin and end; their places count characters. */
  function showText() {
    const report = data.reports[at];
    const signs = Array.from(report.text);
    const spans = report.readings.map((reading) => reading.slice(6, 8));
    const cuts = [...new Set([0, signs.length, ...spans.flat()])].sort((a, b) => a - b);
    const parts = cuts.slice(1).map((end, number) => {
      const start = cuts[number];
      const text = signs.slice(start, end).join("");
      const covering = spans.flatMap(([from, to], row) => (from <= start && end <= to ? [row] : []));
      if (!covering.length) return text;
      const mark = element("mark", { textContent: text });
      if (covering.includes(line)) mark.className = "now";
      mark.addEventListener("click", () => go(covering[0]));
      return mark;
    });
    $("text").replaceChildren(...parts);
  }
  function answer(row, value) {
    const name = value ? "right" : "wrong";
    const button = element("button", { type: "button", className: name, textContent: word(name) });
    button.setAttribute("aria-pressed", String(marked[at].marks[row] === value));
    button.addEventListener("click", () => mark(row, value));
    return button;
  }
  function showReadings() {
    const rows = data.reports[at].readings.map((reading, row) => {
      const value = marked[at].marks[row];
      const item = element(
        "li",
        { className: value === null ? "" : value ? "right" : "wrong", tabIndex: row === line ? 0 : -1 },
        element("div", { className: "what" }, element("b", {}, nameOf(reading[1])), details(reading)),
        element("div", { className: "answers" }, answer(row, true), answer(row, false)),
      );
      item.setAttribute("aria-current", String(row === line));
      item.addEventListener("click", (event) => {
        if (!event.target.closest("button")) go(row);
      });
      return item;
    });
    $("readings").replaceChildren(...rows);
    $("nothing").hidden = rows.length > 0;
  }
  function showMissed() {
    const rows = marked[at].missed.map((one, row) => {
      const button = element("button", { type: "button", textContent: word("remove") });
      button.addEventListener("click", () => {
        marked[at].missed.splice(row, 1);
        changed();
      });
      const said = `${nameOf(one.finding)} · ${word(one.eye)} · ${word(one.status)}`;
      return element("li", {}, said, button);
    });
    $("missed").replaceChildren(...(rows.length ? rows : [element("li", {}, word("missed_none"))]));
  }
  function show() {
    document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
    for (const item of document.querySelectorAll("[data-word]")) {
      item.textContent = word(item.dataset.word);
    }
    document.title = word("title");
    $("disclaimer").textContent = data.disclaimer[language];
    $("language").textContent = data.words[language === "zh" ? "en" : "zh"]["self"];
    $("search").placeholder = word("search");
    const done = marked.filter((report) => report.done).length;
    $("done").max = data.reports.length;
    $("done").value = done;
    $("progress").textContent = word("progress", { done, all: data.reports.length });
    $("place").replaceChildren(
      word("report_of", { number: at + 1, all: data.reports.length }),
      element("small", {}, word(marked[at].done ? "finished" : "open")),
    );
    radios("eye", EYES);
    radios("status", STATUSES);
    showText();
    showReadings();
    showMissed();
  }
  function radios(group, values) {
    const chosen = $("add").elements[group]?.value;
    const labels = values.map((value) => {
      const input = element("input", { type: "radio", name: group, value, required: true });
      input.checked = value === chosen;
      return element("label", {}, input, word(value));
    });
    $(group).replaceChildren($(group).firstElementChild, ...labels);
  }

  // What a person does -----------------------------------------------------------------------

  function focusLine() {
    const row = $("readings").children[line];
    if (row) row.focus();
    else $("finish").focus();
  }
  function go(row) {
    line = Math.max(0, Math.min(row, data.reports[at].readings.length - 1));
    showText();
    showReadings();
    focusLine();
  }
  function changed() {
    keep();
    show();
  }
  function mark(row, value) {
    if (!data.reports[at].readings.length) return;
    marked[at].marks[row] = value;
    if (value === null) marked[at].done = false;
    line = value === null ? row : Math.min(row + 1, data.reports[at].readings.length - 1);
    say("");
    changed();
    focusLine();
  }
  function turn(to) {
    at = Math.max(0, Math.min(to, data.reports.length - 1));
    line = 0;
    say("");
    pick("");
    changed();
    focusLine();
  }
  function finish() {
    const open = marked[at].marks.filter((value) => value === null).length;
    if (open) {
      go(marked[at].marks.indexOf(null));
      say(word("left", { count: open }));
      return;
    }
    marked[at].done = true;
    const later = marked.findIndex((report, number) => number > at && !report.done);
    const next = later >= 0 ? later : marked.findIndex((report) => !report.done);
    if (next >= 0) {
      turn(next);
    } else {
      changed();
      say(word("all_done"));
      $("save").focus();
    }
  }
  function found() {
    const text = $("search").value.normalize("NFKC").trim().toLowerCase();
    if (!text) return data.findings.slice(0, 40);
    const rank = (row) => {
      const near = [row[1], row[2]].map((name) => name.toLowerCase());
      if (near.includes(text)) return 0;
      if (near.some((name) => name.startsWith(text))) return 1;
      if (near.some((name) => name.includes(text))) return 2;
      return row.some((name) => name.toLowerCase().includes(text)) ? 3 : 9;
    };
    const ranked = data.findings.map((row) => [rank(row), row]).filter(([number]) => number < 9);
    return ranked.sort((a, b) => a[0] - b[0]).map(([, row]) => row).slice(0, 40);
  }
  function showOptions(open) {
    const rows = open ? found() : [];
    option = Math.max(0, Math.min(option, rows.length - 1));
    const items = rows.map((row, number) => {
      const other = row[language === "zh" ? 2 : 1];
      const item = element("li", { id: `option-${number}` }, nameOf(row[0]), element("small", {}, other));
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(number === option));
      item.addEventListener("mousedown", (event) => {
        event.preventDefault(); // the field keeps the focus
        pick(row[0]);
      });
      return item;
    });
    if (open && !rows.length) items.push(element("li", {}, word("no_match")));
    $("options").replaceChildren(...items);
    $("options").hidden = !open;
    $("search").setAttribute("aria-expanded", String(open));
    $("search").setAttribute("aria-activedescendant", rows.length ? `option-${option}` : "");
    if (rows.length) items[option].scrollIntoView({ block: "nearest" });
  }
  function pick(code) {
    picked = code;
    $("search").value = code ? nameOf(code) : "";
    showOptions(false);
    if (code) $("eye").querySelector("input").focus();
  }
  function add(event) {
    event.preventDefault();
    const { eye, status } = $("add").elements;
    const one = { finding: picked, eye: eye.value, status: status.value };
    if (!picked) {
      say(word("pick"));
      $("search").focus();
      return;
    }
    const same = ([itsEye, finding, itsStatus], row) =>
      finding === picked && itsEye === one.eye && itsStatus === one.status && marked[at].marks[row] !== false;
    const twice = marked[at].missed.some((old) => JSON.stringify(old) === JSON.stringify(one));
    if (twice || data.reports[at].readings.some(same)) {
      say(word("listed"));
      return;
    }
    marked[at].missed.push(one);
    $("add").reset();
    pick("");
    say("");
    changed();
    focusLine();
  }
  function searchKey(event) {
    const open = !$("options").hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      option += open ? (event.key === "ArrowDown" ? 1 : -1) : 0;
      showOptions(true);
    } else if (event.key === "Enter" && !event.isComposing && open) {
      event.preventDefault();
      const rows = found();
      if (rows.length) pick(rows[option][0]);
    }
  }
  function switchLanguage() {
    language = language === "zh" ? "en" : "zh";
    if (picked) $("search").value = nameOf(picked);
    changed();
  }
  const KEYS = {
    ArrowDown: () => go(line + 1),
    ArrowUp: () => go(line - 1),
    ArrowRight: () => turn(at + 1),
    ArrowLeft: () => turn(at - 1),
    1: () => mark(line, true),
    r: () => mark(line, true),
    2: () => mark(line, false),
    w: () => mark(line, false),
    0: () => mark(line, null),
    m: () => $("search").focus(),
    s: save,
    l: switchLanguage,
    Enter: finish,
  };
  function key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.key === "Escape") {
      showOptions(false);
      focusLine();
      return;
    }
    const inside = event.target.closest?.("input, button, label");
    const native = inside && (inside.tagName !== "BUTTON" || ["Enter", " "].includes(event.key));
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (native || !act) return;
    event.preventDefault();
    act();
  }
  async function load() {
    const [chosen] = $("load").files;
    if (!chosen) return;
    let file = null;
    try {
      file = JSON.parse(await chosen.text());
    } catch {
      // said below
    }
    const taken = file !== null && take(file);
    if (taken) turn(Math.max(0, marked.findIndex((report) => !report.done)));
    const done = marked.filter((report) => report.done).length;
    say(taken ? word("loaded", { done }) : word("bad_file"));
    $("load").value = "";
  }
  function clear() {
    if (!window.confirm(word("clear_sure"))) return;
    marked = blank();
    $("reader").value = "";
    turn(0);
  }

  $("language").addEventListener("click", switchLanguage);
  $("save").addEventListener("click", save);
  $("finish").addEventListener("click", finish);
  $("previous").addEventListener("click", () => turn(at - 1));
  $("next").addEventListener("click", () => turn(at + 1));
  $("reader").addEventListener("input", keep);
  $("load").addEventListener("change", load);
  $("clear").addEventListener("click", clear);
  $("add").addEventListener("submit", add);
  $("search").addEventListener("input", () => {
    picked = "";
    option = 0;
    showOptions(true);
  });
  $("search").addEventListener("focus", () => showOptions(!picked));
  $("search").addEventListener("blur", () => showOptions(false));
  $("search").addEventListener("keydown", searchKey);
  document.addEventListener("keydown", key);
  restore();
  keep();
  show();
})();
