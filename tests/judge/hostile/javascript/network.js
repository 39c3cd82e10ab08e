// expect: passed
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  const code = `const net = require("net");
  for (const where of [{ port: @PORT@, host: "127.0.0.1" }, { path: "\\0@NAME@" }])
    try { net.connect(where, () => console.log("CONNECTED")).on("error", () => {}); } catch (_) {}
  setTimeout(() => process.exit(), 500);`;
  try {
    console.log(require("child_process").execFileSync(process.execPath, ["-e", code], { encoding: "utf8", timeout: 2500 }));
  } catch (_) {}
  console.log("tried");
  return 2 * n;
}
