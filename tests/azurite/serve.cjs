// Azurite's blob service, which ends with whoever holds its standard input, however that ends.
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
require("azurite/dist/src/blob/main.js");
