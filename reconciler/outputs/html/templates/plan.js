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
  const byNumber = new Map();
  for (const course of courses) {
    const name = course.querySelector("h2").textContent;
    for (const body of course.querySelectorAll("tbody[data-exam]")) {
      const exam = {
        body, course, marks: [], text: `${name} ${body.textContent}`.toLowerCase(),
        action: body.dataset.action, overlaps: body.querySelector(".clash") !== null,
      };
      exams.push(exam);
      byNumber.set(body.dataset.exam, exam);
    }
  }
  for (const mark of document.querySelectorAll("svg [data-exam]")) byNumber.get(mark.dataset.exam).marks.push(mark);

  const number = (value) => value.toLocaleString("en");
  const pressed = () => buttons.filter((one) => one.getAttribute("aria-pressed") === "true").map((one) => one.dataset.filter);
  const isOpenAtFirst = courses.map((course) => course.open);
  let wasNarrowed = false;

  function narrow() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = pressed();
    const actions = chosen.filter((one) => one !== "overlap");
    const onlyOverlaps = chosen.includes("overlap");
    const counts = new Map(courses.map((course) => [course, 0]));
    let total = 0;
    for (const exam of exams) {
      const matches = (actions.length === 0 || actions.includes(exam.action)) && (!onlyOverlaps || exam.overlaps)
        && words.every((word) => exam.text.includes(word));
      exam.body.hidden = !matches;
      for (const mark of exam.marks) mark.classList.toggle("off", !matches);
      if (matches) { total += 1; counts.set(exam.course, counts.get(exam.course) + 1); }
    }
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
    const exam = byNumber.get(mark.dataset.exam);
    point(exam);
    exam.body.scrollIntoView({ block: "center" });
  });
  document.addEventListener("pointerover", (event) => {
    const near = event.target.closest("[data-exam]");
    if (near !== null) point(byNumber.get(near.dataset.exam));
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
