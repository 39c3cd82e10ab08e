// expect: passed
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  const fs = require("fs");
  for (const target of ["/", "@HOME@", "/proc/1/root"]) {
    try {
      const link = `/tmp/link${target.length}`;
      fs.symlinkSync(target, link);
      if (fs.existsSync(`${link}/secret`)) console.log("READ");
      fs.writeFileSync(`${link}/@MARK@`, "x");
      console.log("WROTE", link);
    } catch (_) {}
  }
  console.log("tried");
  return 2 * n;
}
