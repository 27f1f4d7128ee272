// The button of a block that shows commands and their output copies the commands alone, without the prompt.
document.addEventListener("click", ({ target }) => {
  const button = target.closest(".language-console .md-code__button");
  if (!button) return;
  const shown = button.closest(".language-console").querySelector("code").textContent;
  const commands = shown.match(/^\$ (?:.*\\\n)*.*$/gm) ?? [];
  button.dataset.clipboardText = commands.map(one => one.slice(2)).join("\n");
}, true);
