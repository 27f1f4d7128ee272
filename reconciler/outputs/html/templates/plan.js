"use strict";
(() => {
  const tools = document.getElementById("tools");
  if (tools === null) return;
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const empty = document.getElementById("empty");
  const ruler = document.querySelector(".ruler");
  const fold = document.getElementById("fold");
  const buttons = [...tools.querySelectorAll("[data-filter]")];
  const courses = [...document.querySelectorAll("details.course")];
  const exams = [];
  const groups = [];
  const byNumber = new Map();
  for (const course of courses) {
    const name = course.querySelector("h2").textContent;
    let group = null;
    for (const body of course.querySelectorAll(".exams > tbody")) {
      if (body.dataset.exam === undefined) {
        group = { body, text: body.textContent, exams: [] };
        groups.push(group);
        continue;
      }
      const of = body.matches(".section") ? group : null;
      const clashes = [...body.querySelectorAll(".clash")];
      const text = clashes.reduce((rest, clash) => rest.replace(clash.textContent, ""), body.textContent);
      const exam = {
        body, course, marks: [], text: `${name} ${of?.text ?? ""} ${text}`.toLowerCase(), action: body.dataset.action, clashes: clashes.length > 0,
      };
      exams.push(exam);
      of?.exams.push(exam);
      byNumber.set(body.dataset.exam, exam);
    }
  }
  /* A bar stands for one exam, or for sections with the same windows. */
  const examsOf = (element) => element.dataset.exam.split(" ").map((number) => byNumber.get(number));
  const marks = [...document.querySelectorAll("svg [data-exam]")].map((mark) => ({ mark, exams: examsOf(mark) }));
  for (const one of marks) for (const exam of one.exams) exam.marks.push(one.mark);

  const number = (value) => value.toLocaleString("en");
  const pressed = () => buttons.filter((one) => one.getAttribute("aria-pressed") === "true").map((one) => one.dataset.filter);
  const isOpenAtFirst = courses.map((course) => course.open);
  let wasNarrowed = false;

  function narrow() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = pressed();
    const actions = chosen.filter((one) => one !== "clash");
    const onlyClashes = chosen.includes("clash");
    const counts = new Map(courses.map((course) => [course, 0]));
    let total = 0;
    for (const exam of exams) {
      const matches = (actions.length === 0 || actions.includes(exam.action)) && (!onlyClashes || exam.clashes)
        && words.every((word) => exam.text.includes(word));
      exam.body.hidden = !matches;
      if (matches) { total += 1; counts.set(exam.course, counts.get(exam.course) + 1); }
    }
    for (const group of groups) group.body.hidden = group.exams.every((exam) => exam.body.hidden);
    for (const one of marks) one.mark.classList.toggle("off", one.exams.every((exam) => exam.body.hidden));
    const isNarrowed = words.length > 0 || chosen.length > 0;
    courses.forEach((course, index) => {
      const count = counts.get(course);
      const label = course.querySelector(".count");
      const all = Number(label.dataset.count);
      course.hidden = count === 0;
      label.textContent = count === all ? `${number(all)} exam${all === 1 ? "" : "s"}` : `${number(count)} of ${number(all)}`;
      if (isNarrowed && total <= 100) course.open = count > 0;
      else if (wasNarrowed && !isNarrowed) course.open = isOpenAtFirst[index];
    });
    wasNarrowed = isNarrowed;
    shown.textContent = total === exams.length ? `${number(total)} exam${total === 1 ? "" : "s"}` : `${number(total)} of ${number(exams.length)} exams`;
    empty.hidden = total > 0;
    if (ruler !== null) ruler.hidden = total === 0;
    relabel();
  }

  function relabel() {
    fold.textContent = courses.some((course) => course.open && !course.hidden) ? "Close all" : "Open all";
  }

  function point(exam) {
    for (const one of document.querySelectorAll(".pointed")) one.classList.remove("pointed");
    if (exam === undefined) return;
    exam.body.classList.add("pointed");
    for (const mark of exam.marks) mark.classList.add("pointed");
  }

  search.addEventListener("input", narrow);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      narrow();
    });
  }
  fold.addEventListener("click", () => {
    const open = fold.textContent === "Open all";
    for (const course of courses) if (!course.hidden) course.open = open;
    relabel();
  });
  for (const course of courses) course.addEventListener("toggle", relabel);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== search && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      narrow();
    }
  });
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("svg.lanes [data-exam]");
    if (mark === null) return;
    const [exam] = examsOf(mark);
    point(exam);
    exam.body.scrollIntoView({ block: "center" });
  });
  document.addEventListener("pointerover", (event) => {
    const near = event.target.closest("[data-exam]");
    if (near !== null) point(examsOf(near)[0]);
  });
  let before = [];
  window.addEventListener("beforeprint", () => {
    before = courses.map((course) => course.open);
    for (const course of courses) course.open = true;
  });
  window.addEventListener("afterprint", () => courses.forEach((course, index) => { course.open = before[index]; }));
  tools.hidden = false;
  narrow();
})();
(() => {
  const zoom = document.getElementById("zoom");
  if (zoom === null) return;
  const term = { start: Number(zoom.dataset.start) * 1000, end: Number(zoom.dataset.end) * 1000 };
  const units = [...zoom.querySelectorAll("[data-unit]")];
  const earlier = document.getElementById("earlier");
  const later = document.getElementById("later");
  const days = { month: 31, week: 7, day: 1 };
  let zone = zoom.dataset.zone;
  try { new Intl.DateTimeFormat("en", { timeZone: zone }); } catch { zone = "UTC"; }
  const clock = new Intl.DateTimeFormat("en", {
    timeZone: zone, hourCycle: "h23", weekday: "short", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", second: "numeric",
  });
  const named = new Intl.DateTimeFormat("en", { timeZone: zone, weekday: "short", year: "numeric", month: "short", day: "numeric" });
  const zoned = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "short" });
  const pictures = [...document.querySelectorAll(".plot")].map((plot) => ({
    scale: plot.querySelector(".scale"), ticks: plot.querySelector(".ticks"), view: plot.querySelector(".view"),
    ofTerm: { scale: plot.querySelector(".scale").innerHTML, ticks: plot.querySelector(".ticks").innerHTML },
    exams: [...plot.querySelectorAll("g[data-exam]")].map((mark) => {
      const label = mark.querySelector(".label");
      const bars = [...mark.querySelectorAll("rect")];
      return {
        label, at: label && label.getAttribute("x"), anchor: label && label.getAttribute("text-anchor"),
        window: bars.filter((bar) => bar.matches(".exam")).map(spanOf)[0], spans: bars.map(spanOf),
      };
    }),
  }));
  const starts = pictures.flatMap((one) => one.exams.flatMap((exam) => exam.window ? [exam.window] : [])).map((span) => momentOf(span[0])).sort((a, b) => a - b);
  let unit = "term";
  let view = term;

  function spanOf(bar) {
    const x = parseFloat(bar.getAttribute("x"));
    return [x, x + parseFloat(bar.getAttribute("width"))];
  }
  function momentOf(x) { return term.start + (x / 100) * (term.end - term.start); }
  function placeOf(moment) { return (100 * (moment - term.start)) / (term.end - term.start); }
  function local(moment) {
    return Object.fromEntries(clock.formatToParts(moment).map((part) => [part.type, part.type === "weekday" ? part.value : Number(part.value)]));
  }
  function offset(moment) {
    const at = local(moment);
    return Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) - Math.floor(moment / 1000) * 1000;
  }
  /* The moment of a local time. Where a clock change skips it, the time as far after the change. */
  function instant(year, month, day, hour = 0) {
    const guess = Date.UTC(year, month - 1, day, hour);
    const first = guess - offset(guess);
    return guess - offset(first);
  }
  function rangeOf(kind, moment) {
    const at = local(moment);
    if (kind === "month") return { start: instant(at.year, at.month, 1), end: instant(at.year, at.month + 1, 1) };
    const first = kind === "week" ? at.day - ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(at.weekday) : at.day;
    return { start: instant(at.year, at.month, first), end: instant(at.year, at.month, first + days[kind]) };
  }
  /* Ticks of the view: moments, each with its label, which may be empty. */
  function ticksOf(isWide) {
    const first = local(view.start);
    const ticks = [];
    if (unit === "day") {
      for (let hour = 0; hour < 24; hour += 1) {
        const moment = instant(first.year, first.month, first.day, hour);
        if (local(moment).hour === hour) ticks.push([moment, hour % (isWide ? 2 : 6) ? "" : `${String(hour).padStart(2, "0")}:00`]);
      }
      return ticks;
    }
    for (let day = 0; ; day += 1) {
      const moment = instant(first.year, first.month, first.day + day);
      if (moment >= view.end) return ticks;
      const at = local(moment);
      const label = unit === "week" ? `${at.weekday} ${at.day}` : isWide || at.day % 7 === 1 ? String(at.day) : "";
      ticks.push([moment, label]);
      if (unit === "week") for (const hour of [6, 12, 18]) ticks.push([instant(at.year, at.month, at.day, hour), isWide && hour === 12 ? "12:00" : ""]);
    }
  }
  function element(name, attributes, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  }
  function draw() {
    const [from, to] = [placeOf(view.start), placeOf(view.end)];
    const [zoomed, isWide] = [unit !== "term", innerWidth > 760];
    const ticks = zoomed ? ticksOf(isWide).map(([moment, label]) => [`${(100 * (moment - view.start)) / (view.end - view.start)}%`, label]) : [];
    let open = 0;
    for (const one of pictures) {
      one.view.setAttribute("x", `${(-100 * from) / (to - from)}%`);
      one.view.setAttribute("width", `${10000 / (to - from)}%`);
      if (zoomed) {
        one.ticks.replaceChildren(...ticks.map(([x, label]) => element("line", { class: label ? "grid" : "grid minor", x1: x, x2: x, y1: 0, y2: "100%" })));
        one.scale.replaceChildren(...ticks.filter(([, label]) => label).map(([x, label]) => element("text", { x, dx: 4, y: 14 }, label)));
      } else [one.ticks.innerHTML, one.scale.innerHTML] = [one.ofTerm.ticks, one.ofTerm.scale];
      for (const exam of one.exams) {
        if (exam.window && exam.window[0] < to && exam.window[1] > from) open += 1;
        if (exam.label === null) continue;
        const left = Math.max(Math.min(...exam.spans.map((span) => span[0])), from);
        const isOver = zoomed && exam.spans.some((span) => span[0] < to && span[1] > from);
        exam.label.setAttribute("x", isOver ? `${left}%` : exam.at);
        exam.label.setAttribute("text-anchor", isOver ? "start" : exam.anchor ?? "start");
      }
    }
    return open;
  }
  function words(open) {
    if (unit === "term") return "";
    const last = view.end - 1;
    const shown = named.formatRange(view.start, last);
    let changed = "";
    for (let moment = view.start; moment < view.end && !changed; moment += 3600000) {
      if (offset(moment) !== offset(moment + 3600000)) changed = `; clocks change on ${named.format(moment)}`;
    }
    const name = zoned.formatToParts(view.start).find((part) => part.type === "timeZoneName").value;
    return `${shown}, ${name}${changed}; ${open} exam window${open === 1 ? "" : "s"} open`;
  }
  function show(kind, moment) {
    unit = kind;
    view = kind === "term" ? term : rangeOf(kind, moment);
    for (const one of units) one.setAttribute("aria-pressed", String(one.dataset.unit === unit));
    earlier.disabled = view.start <= term.start;
    later.disabled = view.end >= term.end;
    document.body.classList.toggle("near", unit !== "term");
    document.getElementById("span").textContent = words(draw());
  }
  /* The moment that a zoom keeps in sight: of the exam pointed at, else of the first one in view. */
  function focus() {
    const pointed = document.querySelector(".lanes .pointed .exam");
    if (pointed !== null) return momentOf(spanOf(pointed)[0]);
    return starts.find((moment) => moment >= view.start && moment < view.end) ?? Math.max(view.start, term.start);
  }
  function zoomBy(step) {
    const usable = units.filter((one) => !one.disabled);
    const next = usable[usable.findIndex((one) => one.dataset.unit === unit) + step];
    if (next !== undefined) show(next.dataset.unit, focus());
  }
  function move(button) {
    if (!button.disabled) show(unit, button === later ? view.end : view.start - 1);
  }

  for (const one of units) {
    one.disabled = days[one.dataset.unit] * 86400000 >= term.end - term.start;
    one.addEventListener("click", () => show(one.dataset.unit, focus()));
  }
  for (const one of [earlier, later]) one.addEventListener("click", () => move(one));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(".plot, .zoom") === null) return;
    const does = { "+": () => zoomBy(1), "=": () => zoomBy(1), "-": () => zoomBy(-1), ArrowLeft: () => move(earlier), ArrowRight: () => move(later) }[event.key];
    if (does === undefined) return;
    event.preventDefault();
    does();
  });
  addEventListener("resize", draw);
  zoom.hidden = false;
})();
