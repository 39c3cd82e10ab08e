// expect: passed runtime_error timeout memory
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  const start = require("child_process").spawn;
  for (let i = 0; i < 500; i++) {
    try {
      start("/bin/sh", ["-c", "sleep 60 & sleep 60 & sleep 60 & wait"], { stdio: "ignore", detached: true }).on("error", () => {});
    } catch (_) {
      break;
    }
  }
  console.log("tried");
  return 2 * n;
}
