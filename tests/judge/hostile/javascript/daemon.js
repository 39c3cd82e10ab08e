// expect: passed runtime_error
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  require("child_process").spawn("/bin/sleep", ["60"], { argv0: "@MARK@", stdio: "ignore", detached: true }).unref();
  console.log("tried");
  return 2 * n;
}
